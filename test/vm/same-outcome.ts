import type { Outcome, StateTable } from '../golden/ipvs/golden.ts';
import type { AdmStep } from '../golden/ipvsadm/golden.ts';

/** A clock's edge may lie between a packet and the look at its connection. */
const SECONDS_MORE = 1;
/** An emulated CPU beside other work takes this long between the two: how fast it is is not what is compared. */
const SECONDS_LESS = 25;

/** Whether two plays of a scenario have the same outcome: `a` as it was recorded, `b` as it is now. */
export function sameOutcomes(a: readonly Outcome[], b: readonly Outcome[]): boolean {
  return a.length === b.length && a.every((outcome, i) => sameOutcome(outcome, b[i] ?? {}));
}

export function sameOutcome(a: Outcome, b: Outcome): boolean {
  return (
    equal(a.to, b.to) &&
    equal(a.counts, b.counts) &&
    equal(a.left, b.left) &&
    sameConnections(a.connections ?? [], b.connections ?? [])
  );
}

export function sameStates(a: StateTable['after'], b: StateTable['after']): boolean {
  return equal(Object.keys(a), Object.keys(b)) && sameConnections(Object.values(a), Object.values(b));
}

/** Whether ipvsadm said the same, which need not be in the same order; when connections expire is a matter of time. */
export function sameWords(a: readonly AdmStep[], b: readonly AdmStep[]): boolean {
  return equal(a.map(timeless), b.map(timeless));
}

/** What is not sorted comes in the order of hash tables, whose keys are others at each boot. */
function timeless(step: AdmStep): object {
  const { stdout = '', ...rest } = step;
  const isUnsorted =
    stdout.startsWith('IPVS connection entries') || ('run' in step && step.run.includes('--nosort'));
  if (!isUnsorted) return step;
  const lines = stdout.replace(/ \d\d:\d\d /g, ' ').split('\n');
  return { ...rest, stdout: lines.toSorted() };
}

function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function sameConnections(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, i) => sameConnection(line, b[i] ?? ''));
}

/** Lines that end in the seconds which the connection has to live, or in something else when there is none. */
function sameConnection(a: string, b: string): boolean {
  if (a === b) return true;
  const [ofA, ofB] = [splitSeconds(a), splitSeconds(b)];
  const more = ofB.seconds - ofA.seconds;
  return ofA.text === ofB.text && more <= SECONDS_MORE && more >= -SECONDS_LESS;
}

function splitSeconds(line: string): { readonly text: string; readonly seconds: number } {
  const at = line.lastIndexOf(' ');
  return { text: line.slice(0, at), seconds: Number(line.slice(at + 1)) };
}
