import { openSync, writeSync } from 'node:fs';
import type { Scenario, StateTable } from '../golden/ipvs/golden.ts';
import type { AdmScenario } from '../golden/ipvsadm/golden.ts';

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
  | {
      readonly kind: 'recorded';
      /** The name of its file in test/golden: `ipvs/states`. */
      readonly set: string;
      readonly description: string;
      readonly entry: Omit<Scenario, 'kernels'> | Omit<StateTable, 'kernels'> | Omit<AdmScenario, 'kernels'>;
      readonly durationMs: number;
    }
  | { readonly kind: 'end' };

const DEVICE = '/dev/ttyS1';
let line: number | undefined;

/** The line stays open to the end: what is under way while it is closed can be lost. */
export function report(what: Report): void {
  line ??= openSync(DEVICE, 'a');
  const bytes = Buffer.from(`${JSON.stringify(what)}\n`);
  for (let at = 0; at < bytes.length; ) at += writeSync(line, bytes, at);
}
