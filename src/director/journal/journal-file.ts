// Writes lines to a file in the background, and keeps the file before it.
import { closeSync, fstatSync, openSync, statSync, write } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { withSpareDescriptors } from '../../spare-descriptors.ts';
import { Serial } from '../serial.ts';

const writeSome = promisify(write);

/** Ends the name of a journal: `<stateDirectory>/<instance>.journal`. */
export const JOURNAL_ENDING = '.journal';

/** Ends the name of the file before the present one. */
export const FORMER_ENDING = '.old';

const ROTATE: unique symbol = Symbol('rotate');
type Step = string | typeof ROTATE;

/** Appends lines to a file that only root may read: it has the hash key, with which a client could aim at one real. */
export class JournalFile {
  readonly #path: string;
  readonly #serial = new Serial();
  #steps: Step[] = [];
  #descriptor: number | undefined;
  #bytes: number;
  #pendingBytes = 0;

  constructor(path: string) {
    this.#path = path;
    this.#bytes = sizeOf(path);
  }

  /** The bytes in the present file, with those that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The bytes that wait for `flush`. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  append(line: string): void {
    this.#steps.push(`${line}\n`);
    this.#bytes += line.length + 1;
    this.#pendingBytes += line.length + 1;
  }

  /** Has the lines that follow go to a new file. The present one becomes the former, and that one is removed. */
  rotate(): void {
    this.#steps.push(ROTATE);
    this.#bytes = 0;
  }

  /** Writes what waits. @throws Error; what has waited is lost then, perhaps in the middle of a line */
  flush(): Promise<void> {
    return this.#serial.run(async () => {
      const steps = this.#steps;
      this.#steps = [];
      this.#pendingBytes = 0;
      try {
        await this.#carryOut(steps);
      } catch (error) {
        this.#close();
        this.#bytes = sizeOf(this.#path) + this.#pendingBytes;
        throw error;
      }
    });
  }

  /** Writes what waits, and closes the file. @throws Error as `flush` does */
  async close(): Promise<void> {
    await this.flush();
    this.#close();
  }

  /** Removes both files. What waits is lost. */
  remove(): Promise<void> {
    this.#steps = [];
    this.#bytes = 0;
    this.#pendingBytes = 0;
    return this.#serial.run(async () => {
      this.#close();
      await rm(this.#path, { force: true });
      await rm(this.#path + FORMER_ENDING, { force: true });
    });
  }

  async #carryOut(steps: readonly Step[]): Promise<void> {
    let text = '';
    for (const step of steps) {
      if (step !== ROTATE) {
        text += step;
        continue;
      }
      await this.#write(text);
      text = '';
      this.#close();
      await rename(this.#path, this.#path + FORMER_ENDING).catch(ignoreMissing);
    }
    await this.#write(text);
  }

  async #write(text: string): Promise<void> {
    if (text === '') return;
    const descriptor = this.#descriptor ?? (await this.#open());
    for (let rest = Buffer.from(text); rest.length > 0; ) {
      const { bytesWritten } = await writeSome(descriptor, rest);
      rest = rest.subarray(bytesWritten);
    }
  }

  async #open(): Promise<number> {
    await mkdir(dirname(this.#path), { recursive: true });
    const descriptor = withSpareDescriptors(() => openSync(this.#path, 'a', 0o600));
    this.#descriptor = descriptor;
    // A run that was killed, or a full disk, may have left a line without its end.
    if (fstatSync(descriptor).size > 0) await writeSome(descriptor, Buffer.from('\n'));
    return descriptor;
  }

  #close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
