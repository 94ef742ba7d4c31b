/** One thing that a real server needs, and how it is here. */
export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly found: string;
  readonly expected: string;
  /** What to do; empty where all is well. */
  readonly remedy: string;
}

/** Without a remedy where there is nothing to mend. */
export function finding(fields: Finding): Finding {
  return fields.ok ? { ...fields, remedy: '' } : fields;
}
