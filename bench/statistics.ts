import { loadavg } from 'node:os';

/** Of one measurement repeated: the middle value, and how far the others lie from it. */
export interface Sample {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly rounds: number;
}

export function summarize(values: readonly number[]): Sample {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  const lower = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  return {
    median: (lower + upper) / 2,
    least: sorted[0] ?? Number.NaN,
    most: sorted.at(-1) ?? Number.NaN,
    rounds: sorted.length,
  };
}

/** A sentence when other work on this machine would spoil what is measured. */
export function loadWarning(): string | undefined {
  const [lastMinute = 0] = loadavg();
  return lastMinute > 0.5
    ? `the machine is busy (load ${lastMinute.toFixed(2)}): expect a wide spread`
    : undefined;
}
