// Saves in the background, and tries again when it fails.
import { CulvertError } from '../../errors.ts';
import { describeShortage, resourceShortageIn } from '../../local-shortage.ts';
import type { EventLog } from '../event-log.ts';
import { Coalesced, Serial } from '../serial.ts';
import { messageOf } from '../world/event-words.ts';

export interface SaverOptions {
  readonly events: EventLog;
  readonly save: () => Promise<void>;
  /** The name of what is saved: `the state`. */
  readonly what: string;
  /** The effect of a restart before it is saved. */
  readonly effect: string;
}

/** The delay after a failed save: a full disk may be emptied. */
const RETRY_MS = 10_000;

/**
 * Saves something that holds already. A save that fails is reported once, by an event, and tried again until one succeeds,
 * which is reported too.
 */
export class Saver {
  readonly #options: SaverOptions;
  readonly #saving: Coalesced;
  #fault: string | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: SaverOptions) {
    this.#options = options;
    this.#saving = new Coalesced(new Serial(), () => this.#save());
  }

  /** Resolves when what holds now has been saved, or could not be. */
  request(): Promise<void> {
    return this.#saving.request();
  }

  /** Saves like `request`, for a caller that waits for an answer. @throws CulvertError NOT_SAVED */
  async require(): Promise<void> {
    await this.request();
    if (this.#fault === undefined) return;
    throw new CulvertError('NOT_SAVED', `the change is in force, but ${this.#fault}`);
  }

  /** Stops all further attempts. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
  }

  async #save(): Promise<void> {
    const { events, save, what, effect } = this.#options;
    clearTimeout(this.#retry);
    const before = this.#fault;
    try {
      await save();
      this.#fault = undefined;
    } catch (error) {
      const shortage = resourceShortageIn(error);
      const fix =
        shortage === undefined ? 'fix: free space there, or make it writable' : describeShortage(shortage);
      this.#fault = `${what} is not saved (${messageOf(error)}): ${effect}; culvert tries again every ${RETRY_MS / 1000} s; ${fix}`;
      if (!this.#closed) this.#retry = setTimeout(() => void this.request(), RETRY_MS).unref();
    }
    if (this.#fault !== undefined && this.#fault !== before)
      events.add('error', 'state-not-saved', this.#fault);
    if (this.#fault === undefined && before !== undefined)
      events.add('info', 'state-saved', `${what} is saved again`);
  }
}
