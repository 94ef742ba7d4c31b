// A finding of `verify`.

/** A requirement of a real server, and its state on this host. */
export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly found: string;
  readonly expected: string;
  /** The fix; empty when the requirement is met. */
  readonly remedy: string;
}

/** Builds a finding, without a remedy when nothing needs one. */
export function finding(fields: Finding): Finding {
  return fields.ok ? { ...fields, remedy: '' } : fields;
}
