import { existsSync, readFileSync } from 'node:fs';
import { summarize } from '../../bench/statistics.ts';

const PAGE_BYTES = 4096;
/** A heap breathes; a leak of a few bytes for each packet or check is far more than this in half an hour. */
const SLACK_BYTES = 12 << 20;

/** Memory of the daemon over time, and whether it has stayed the same. */
export class MemoryLog {
  readonly #samples: number[] = [];

  /** A daemon that is between two runs has no sample: whether it comes back, requests and books tell. */
  sample(pid: number): void {
    const statm = `/proc/${pid}/statm`;
    if (!existsSync(statm)) return;
    const resident = Number(readFileSync(statm, 'utf8').split(' ')[1]);
    this.#samples.push(resident * PAGE_BYTES);
  }

  get lastBytes(): number {
    return this.#samples.at(-1) ?? 0;
  }

  /** The medians of the second and of the last quarter, and whether they differ by no more than a heap's breath. */
  verdict(): { readonly earlyBytes: number; readonly lateBytes: number; readonly flat: boolean } {
    const quarter = Math.floor(this.#samples.length / 4);
    const earlyBytes = summarize(this.#samples.slice(quarter, 2 * quarter + 1)).median;
    const lateBytes = summarize(this.#samples.slice(-quarter - 1)).median;
    return { earlyBytes, lateBytes, flat: lateBytes <= earlyBytes + SLACK_BYTES };
  }
}
