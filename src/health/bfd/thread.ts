// Starts the thread of BFD, and speaks with it.
import { Worker } from 'node:worker_threads';
import type { BfdNeighbor } from './neighbor.ts';
import type { BfdListener, BfdSessions } from './sessions.ts';

/** A request to the thread; each listener has a number. */
export type BfdRequest =
  | { readonly open: number; readonly neighbor: BfdNeighbor }
  | { readonly close: readonly number[] | 'all'; readonly round: number };

/** A report of the thread: the state of a session, or the stack of an error after which it restarted all sessions. */
export type BfdNews =
  | { readonly listener: number; readonly fault: string | undefined; readonly shortage?: string | undefined }
  | { readonly error: string };

/** Longer than the thread takes to send a packet for each of thousands of sessions. */
const GOODBYE_MS = 500;

/**
 * Sessions in a thread of their own, from the first one on: a peer that expects a packet every few milliseconds does not
 * wait while the director takes on a configuration.
 */
export class BfdThread implements BfdSessions {
  readonly #listeners = new Map<number, BfdListener>();
  /** The last round of closing that the thread has been through. */
  readonly #done = new Int32Array(new SharedArrayBuffer(4));
  #worker: Worker | undefined;
  #count = 0;
  #round = 0;
  #closing: number[] = [];
  readonly #onError: (stack: string) => void;

  /** `onError`: called with the stack of an error that nobody expected, after which the thread restarts all sessions. */
  constructor(onError: (stack: string) => void = warn) {
    this.#onError = onError;
  }

  /** Ends all sessions at once and informs the peers. No session can be opened any more. */
  async close(): Promise<void> {
    if (this.#worker === undefined) return;
    this.#end();
    process.off('exit', this.#end);
    await this.#worker.terminate();
  }

  open(neighbor: BfdNeighbor, listener: BfdListener): Disposable {
    const number = ++this.#count;
    this.#listeners.set(number, listener);
    this.#post({ open: number, neighbor });
    return { [Symbol.dispose]: () => this.#close(number) };
  }

  /**
   * Closes a listener, but not before its replacement within the same change has been opened, so that the session can continue.
   */
  #close(number: number): void {
    if (!this.#listeners.delete(number)) return;
    if (this.#closing.push(number) === 1) queueMicrotask(() => this.#closeThem());
  }

  #closeThem(): void {
    this.#post({ close: this.#closing, round: ++this.#round });
    this.#closing = [];
  }

  #post(request: BfdRequest): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(request, []);
  }

  /**
   * Ends the thread and all sessions, and informs their peers. A thread must not be torn away from descriptors that it
   * polls: koffi does not survive that.
   */
  readonly #end = (): void => {
    this.#post({ close: 'all', round: ++this.#round });
    const done = this.#done;
    for (let round = Atomics.load(done, 0); round < this.#round; round = Atomics.load(done, 0)) {
      if (Atomics.wait(done, 0, round, GOODBYE_MS) === 'timed-out') return;
    }
  };

  /** It stays: another one could not have the port while this one's last packets are due. */
  #start(): Worker {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./thread-main.${extension}`, import.meta.url), {
      workerData: this.#done,
    });
    worker.on('message', (news: BfdNews) => this.#take(news));
    worker.unref();
    process.once('exit', this.#end);
    return worker;
  }

  #take(news: BfdNews): void {
    if ('error' in news) this.#onError(news.error);
    else this.#listeners.get(news.listener)?.(news.fault, news.shortage);
  }
}

function warn(stack: string): void {
  process.emitWarning(`all BFD sessions restart after an internal error: ${stack}`);
}
