// Limits of times in configurations and requests.

/** The longest trial of a configuration: a day. */
export const MAX_CONFIRM_MS = 86_400_000;
