/** A configuration is on trial for a day at most. */
export const MAX_CONFIRM_MS = 86_400_000;
