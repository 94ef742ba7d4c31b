/** One requirement of a real server, and its state on this host. */
export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly found: string;
  readonly expected: string;
  /** How to fix it; empty when ok. */
  readonly remedy: string;
}

/** Builds a finding, without a remedy when nothing needs one. */
export function finding(fields: Finding): Finding {
  return fields.ok ? { ...fields, remedy: '' } : fields;
}
