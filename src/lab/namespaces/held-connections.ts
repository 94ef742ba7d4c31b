// Connections that are held open, with requests on each.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from './lab-program.ts';

export interface HeldSummary {
  readonly connections: number;
  readonly requests: number;
  /** Times that a connection broke or was answered by another real; what happened stands in `complaints`. */
  readonly broken: number;
  readonly complaints: readonly Complaint[];
  readonly byReal: Readonly<Record<string, number>>;
}

export interface Complaint {
  readonly connection: number;
  /** The real that had the connection; undefined before the first answer. */
  readonly real?: string;
  /** Milliseconds of the wall clock. */
  readonly at: number;
  readonly what: string;
}

const OPENED_WITHIN_MS = 10_000;
/** Many requests on every connection. */
const SETTLE_MS = 700;

/** Connections that the client holds open, with requests on all of them until they are finished. */
export class HeldConnections {
  readonly #holder: Program;
  readonly #complaints: Complaint[] = [];

  private constructor(holder: Program) {
    this.#holder = holder;
    holder.onLine((line) => {
      if (line.includes('"connection"')) this.#complaints.push(JSON.parse(line) as Complaint);
    });
  }

  /** Resolves once all are open. */
  static async open(holder: Program): Promise<HeldConnections> {
    const held = new HeldConnections(holder);
    await holder.waitFor(/^open$/, OPENED_WITHIN_MS);
    return held;
  }

  /** Lets some rounds of requests pass. */
  settle(): Promise<void> {
    return sleep(SETTLE_MS);
  }

  async finish(): Promise<HeldSummary> {
    const summary = this.#holder.waitFor(/"byReal"/);
    await this.#holder.stop();
    const { requests, broken, byReal } = JSON.parse(await summary) as Omit<HeldSummary, 'complaints'>;
    const connections = Object.values(byReal).reduce((sum, count) => sum + count, 0);
    return { connections, requests, broken, byReal, complaints: this.#complaints };
  }
}
