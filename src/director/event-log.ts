// The events of this run: kept, logged and handed to listeners.
import type { DirectorEvent } from '../contract/api/event.ts';
import type { EventLevel, EventType } from '../contract/api/event-types.ts';
import { printableText } from '../printable-text.ts';

/** A further destination of events, for example a pino logger. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface EventLogOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
}

const KEPT_EVENTS = 1000;

/** The latest events of this run; every event is logged too. */
export class EventLog {
  readonly #options: EventLogOptions;
  /** A ring: the event with sequence n is at n % KEPT_EVENTS. */
  readonly #kept: DirectorEvent[] = [];
  readonly #listeners = new Set<(event: DirectorEvent) => void>();
  #last = 0;

  constructor(options: EventLogOptions) {
    this.#options = options;
  }

  add<Type extends EventType>(level: EventLevel<Type>, type: Type, text: string): void {
    const message = printableText(text);
    const sequence = ++this.#last;
    const { now, log } = this.#options;
    const event: DirectorEvent = { sequence, time: new Date(now()).toISOString(), level, type, message };
    this.#kept[sequence % KEPT_EVENTS] = event;
    log[event.level === 'warning' ? 'warn' : event.level](message);
    for (const listener of this.#listeners) this.#tell(listener, event);
  }

  /** Returns the kept events with a greater sequence, oldest first. */
  after(sequence: number): readonly DirectorEvent[] {
    const first = Math.max(sequence + 1, this.#last - KEPT_EVENTS + 1, 1);
    const count = Math.max(0, this.#last - first + 1);
    return Array.from({ length: count }, (_, index) => this.#kept[(first + index) % KEPT_EVENTS]).filter(
      (event) => event !== undefined,
    );
  }

  /** Calls `listener` for every further event until the signal aborts. */
  subscribe(listener: (event: DirectorEvent) => void, signal: AbortSignal): void {
    if (signal.aborted) return;
    // A set of its own functions: the same listener may be subscribed twice, with different signals.
    const entry = (event: DirectorEvent): void => listener(event);
    this.#listeners.add(entry);
    signal.addEventListener('abort', () => this.#listeners.delete(entry), { once: true });
  }

  /** A listener that fails must not keep the director from its work. */
  #tell(listener: (event: DirectorEvent) => void, event: DirectorEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.#options.log.error(`a listener for events failed: ${String(error)}`);
    }
  }
}
