/** What a guest says over its second serial line, a line of JSON for each; `end` is the last. */
export type Report =
  | {
      readonly kind: 'test';
      readonly state: 'passed' | 'failed' | 'skipped';
      readonly file: string;
      readonly name: string;
      readonly durationMs: number;
      /** What failed. */
      readonly errors: readonly string[];
    }
  | { readonly kind: 'end' };

export const REPORT_DEVICE = '/dev/ttyS1';
