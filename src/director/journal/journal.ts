// Writes down what happens to a director, so that it can be replayed.

import { formatByteSize } from '../../contract/values/byte-size.ts';
import type { EventLog } from '../event-log.ts';
import type { Input } from '../step/input.ts';
import { messageOf } from '../world/event-words.ts';
import type { World } from '../world/world.ts';
import { ByteBudget } from './byte-budget.ts';
import { entryLine, type JournalEntry, recordInput } from './journal-entry.ts';
import type { JournalFile } from './journal-file.ts';
import { notableInput } from './notable-input.ts';
import { takeSnapshot } from './snapshot.ts';

export interface JournalOptions {
  readonly file: JournalFile;
  readonly report: EventLog['add'];
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The time that a line waits before it is written, unless many wait. */
const FLUSH_MS = 1000;
const FLUSH_BYTES = 1 << 18;
/** The bytes that may wait for a slow disk; what comes then is left out. */
const MAX_PENDING_BYTES = 1 << 23;
/** The delay after a failed write: a full disk may be emptied. */
const RETRY_MS = 10_000;
/** The part of the burst that has to be left before a gap ends, so that the next one is not at hand. */
const CALM = 0.5;

/**
 * Writes down what happens to a director: a snapshot of its world, then each input that changes it. Its files take no more than the
 * configured size, and what comes too fast for that is left out until the next snapshot. Nothing that fails here concerns the director.
 */
export class Journal {
  readonly #options: JournalOptions;
  #world: World | undefined;
  #budget: ByteBudget | undefined;
  #sizeBytes: number | undefined;
  /** True: the entries so far lead to the world of now. */
  #isOpen = false;
  /** The inputs left out since it was. */
  #missing = 0;
  #fault: string | undefined;
  #isTooSmall = false;
  #timer: NodeJS.Timeout | undefined;
  #isFlushing = false;
  #isClosed = false;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** A director has taken an input; the first one starts it. @param nowMs the time that the step was made with */
  took(input: Input, after: World, nowMs: number): void {
    const before = this.#world;
    this.#world = after;
    if (before === after) return;
    const isResized = this.#resize(nowMs);
    if (before === undefined || input.kind === 'start') return this.#begin(nowMs, true);
    if (isResized && !this.#isOpen) return this.#begin(nowMs, false);
    if (this.#sizeBytes === 0 || this.#isTooSmall) return;
    const notable = notableInput(before, input);
    if (notable === undefined) return;
    if (!this.#isOpen || !this.#hasRoom(0, nowMs)) return this.#leaveOut(nowMs);
    this.#append({ atMs: nowMs, kind: 'input', input: recordInput(notable, before.running.current) });
    if (this.#options.file.bytes <= (this.#sizeBytes ?? 0) / 2) return;
    this.#options.file.rotate();
    this.#begin(nowMs, false);
  }

  /** Writes what waits, and ends a gap if there is room. Happens by itself each second in which something is written. */
  async flush(): Promise<void> {
    const { file, now } = this.#options;
    this.#isFlushing = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waits() && this.#hasRoom(CALM, now())) this.#begin(now(), false);
    try {
      await file.flush();
      this.#succeeded();
    } catch (error) {
      this.#failed(error);
    }
    this.#isFlushing = false;
    if (file.pendingBytes > 0) this.#schedule(FLUSH_MS);
    else if (this.#waits()) this.#schedule(RETRY_MS);
  }

  /** Writes what waits, and ends the journal. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#options.file.close().catch((error: unknown) => this.#failed(error));
  }

  /** Ends the journal, and removes it. */
  async remove(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#options.file.remove();
  }

  /** Takes the size that the configuration of now has; 0 removes the journal. @returns true if it is another one */
  #resize(nowMs: number): boolean {
    const bytes = this.#world?.running.current.config.director.journalSize ?? 0;
    if (bytes === this.#sizeBytes) return false;
    this.#sizeBytes = bytes;
    this.#isTooSmall = false;
    this.#budget = new ByteBudget({ burst: bytes / 4, perHour: bytes / 2 }, nowMs);
    if (bytes > 0) return true;
    this.#isOpen = false;
    void this.#options.file.remove().catch((error: unknown) => this.#failed(error));
    return true;
  }

  #hasRoom(part: number, nowMs: number): boolean {
    const { pendingBytes } = this.#options.file;
    return pendingBytes < MAX_PENDING_BYTES && this.#budget?.has(part, nowMs) === true;
  }

  #leaveOut(nowMs: number): void {
    if (this.#isOpen) this.#append({ atMs: nowMs, kind: 'gap' });
    this.#isOpen = false;
    this.#missing++;
    this.#schedule(RETRY_MS);
  }

  /** Begins, or begins again, with what holds now. */
  #begin(atMs: number, started: boolean): void {
    this.#isOpen = false;
    const size = this.#sizeBytes ?? 0;
    if (this.#world === undefined || size === 0 || this.#isTooSmall) return;
    const snapshot = takeSnapshot(this.#world);
    const entry = { atMs, kind: 'snapshot', started, missing: this.#missing, snapshot } as const;
    const line = entryLine(entry);
    if (line.length > size / 4) return this.#tooSmall(line.length, { atMs, size });
    this.#write(line);
    this.#isOpen = true;
    this.#missing = 0;
  }

  #tooSmall(bytes: number, { atMs, size }: { readonly atMs: number; readonly size: number }): void {
    this.#isTooSmall = true;
    this.#append({ atMs, kind: 'gap' });
    const [found, needed] = [size, 4 * bytes].map(formatByteSize);
    this.#options.report(
      'warning',
      'journal-off',
      `the journal is off: director.journalSize is ${found}, and this configuration needs at least ${needed}; fix: raise it`,
    );
  }

  #append(entry: JournalEntry): void {
    this.#write(entryLine(entry));
  }

  #write(line: string): void {
    const { file } = this.#options;
    file.append(line);
    this.#budget?.spend(line.length);
    this.#schedule(file.pendingBytes > FLUSH_BYTES ? 0 : FLUSH_MS);
  }

  #schedule(delayMs: number): void {
    if (this.#isClosed || this.#isFlushing) return;
    if (delayMs === 0) clearTimeout(this.#timer);
    else if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.flush(), delayMs).unref();
  }

  /** Returns true while inputs are left out. */
  #waits(): boolean {
    return !this.#isOpen && this.#missing > 0;
  }

  #succeeded(): void {
    if (this.#fault === undefined || !this.#isOpen) return;
    this.#fault = undefined;
    this.#options.report('info', 'journal-written', 'the journal is written again');
  }

  /** A write has failed: what waited is lost, and what follows is left out until the next snapshot. */
  #failed(error: unknown): void {
    this.#isOpen = false;
    this.#missing++;
    const fault = messageOf(error);
    if (fault === this.#fault) return;
    this.#fault = fault;
    this.#options.report(
      'error',
      'journal-not-written',
      `the journal is not written (${fault}): \`culvert explain --at\` cannot answer for this time; culvert tries again every ${RETRY_MS / 1000} s; fix: free space there, or make it writable`,
    );
  }
}
