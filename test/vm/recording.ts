import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AdmScenario } from '../golden/ipvsadm/golden.ts';
import type { Report } from './report.ts';
import { sameOutcomes, sameStates, sameWords } from './same-outcome.ts';

const DIRECTORY = 'test/golden';

type Recorded = Extract<Report, { readonly kind: 'recorded' }>;
type Entry = Recorded['entry'] & { readonly kernels: readonly string[] };

/** Gathers what several kernels did, and writes the golden files anew. */
export class Recording {
  readonly #sets = new Map<string, { description: string; entries: Map<string, Entry[]> }>();

  add(series: string, { set, description, entry }: Recorded): void {
    const into = this.#sets.get(set) ?? { description, entries: new Map<string, Entry[]>() };
    this.#sets.set(set, into);
    into.entries.set(entry.name, withEntry(into.entries.get(entry.name) ?? [], entry, series));
  }

  /** The paths of the files. */
  write(): string[] {
    return [...this.#sets].map(([name, { description, entries }]) => {
      const path = join(DIRECTORY, `${name}.json`);
      writeFileSync(path, goldenText(description, [...entries.values()].flat()));
      return path;
    });
  }
}

/** Kernels that did the same share an entry. */
function withEntry(known: readonly Entry[], entry: Recorded['entry'], series: string): Entry[] {
  const at = known.findIndex((other) => sameEntry(other, entry));
  if (at < 0) return [...known, { kernels: [series], ...entry }];
  return known.map((other, i) =>
    i === at ? { ...other, kernels: [...other.kernels, series].sort() } : other,
  );
}

function sameEntry(a: Recorded['entry'], b: Recorded['entry']): boolean {
  if (isSpoken(a)) return isSpoken(b) && sameWords(a.steps, b.steps);
  if ('steps' in a && 'steps' in b && !isSpoken(b))
    return a.random === true || sameOutcomes(a.steps, b.steps);
  return 'after' in a && 'after' in b && sameStates(a.after, b.after);
}

/** What ipvsadm said has no one service. */
function isSpoken(entry: Recorded['entry']): entry is Omit<AdmScenario, 'kernels'> {
  return !('service' in entry);
}

/** A line for each field, and for each step or sequence of packets. */
function goldenText(description: string, entries: readonly Entry[]): string {
  const list = entries.some((entry) => 'steps' in entry) ? 'scenarios' : 'tables';
  const texts = entries.map((entry) => {
    const fields = Object.entries(entry).map(
      ([name, value]) => `${JSON.stringify(name)}: ${valueText(name, value)}`,
    );
    return `{\n${fields.join(',\n')}\n}`;
  });
  return `{"description": ${JSON.stringify(description)},\n"${list}": [\n${texts.join(',\n')}\n]}\n`;
}

function valueText(name: string, value: unknown): string {
  if (name === 'steps') {
    const steps = (value as readonly unknown[]).map((step) => `  ${JSON.stringify(step)}`);
    return `[\n${steps.join(',\n')}\n]`;
  }
  if (name !== 'after') return JSON.stringify(value);
  const lines = Object.entries(value as object).map(
    (pair) => `  ${pair.map((part) => JSON.stringify(part)).join(': ')}`,
  );
  return `{\n${lines.join(',\n')}\n}`;
}
