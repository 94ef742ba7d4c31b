import { readFileSync } from 'node:fs';

/** What Debian's ipvsadm 1.31 said, as test/vm records it; README.md beside this file says how to read it. */
export interface AdmGolden {
  readonly description: string;
  readonly scenarios: readonly AdmScenario[];
}

/** An empty table, and what is done to it in turn. */
export interface AdmScenario {
  readonly name: string;
  /** Where it was seen: series of Linux, such as `6.12`. */
  readonly kernels: readonly string[];
  readonly steps: readonly AdmStep[];
}

export type AdmStep = AdmAction & AdmOutcome;

export type AdmAction =
  /** The arguments behind `ipvsadm`, by `wordsOf`. */
  | { readonly run: string; readonly stdin?: string }
  /** A packet to a service: `tcp 198.51.100.1:40000 192.0.2.10:80 SYN`. */
  | { readonly send: string }
  /** Datagrams from the director itself to UDP port 53 of 192.0.2.10, of 60,000 bytes. */
  | { readonly flood: number }
  | { readonly waitMs: number };

export interface AdmOutcome {
  readonly status?: number;
  /** Left out where there is none. */
  readonly stdout?: string;
  readonly stderr?: string;
}

/** One of the files beside this one: `readAdmGolden('edits')`. */
export function readAdmGolden(name: string): AdmGolden {
  return JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8')) as AdmGolden;
}

/** What came of a step. */
export function outcomeOf(step: AdmStep): AdmOutcome {
  return Object.fromEntries(Object.entries(step).filter(([name]) => OUTCOME.includes(name))) as AdmOutcome;
}

export function actionOf(step: AdmStep): AdmAction {
  return Object.fromEntries(Object.entries(step).filter(([name]) => !OUTCOME.includes(name))) as AdmAction;
}

const OUTCOME: readonly string[] = ['status', 'stdout', 'stderr'] satisfies readonly (keyof AdmOutcome)[];

/** Words of a command line; "" is an empty one. */
export function wordsOf(line: string): string[] {
  return line === '' ? [] : line.split(' ').map((word) => (word === '""' ? '' : word));
}

/** The names that hosts have while it is recorded, as in /etc/hosts. */
export const HOSTS = {
  '192.0.2.10': 'www.example.test',
  '192.0.2.11': 'a-service-with-a-very-long-name.example.test',
  '10.0.3.2': 'rs1.example.test',
  '10.0.3.3': 'another-real-with-a-very-long-name.example.test',
  '2001:db8::10': 'www6.example.test',
  '2001:db8::11': 'another-service-with-a-very-long-name.example.test',
  '198.51.100.1': 'client.example.test',
} as const;
