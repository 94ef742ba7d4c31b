// Takes the inputs of a director one after the other, and has the plane follow.
import { setImmediate } from 'node:timers/promises';
import type { DataPlane } from '../dataplane/data-plane.ts';
import type { ForwardingTable } from '../forwarding/forwarding-table.ts';
import type { CheckResult, Fact, Request, StepResult } from './step/input.ts';
import { nextTickMs, step } from './step/step.ts';
import { messageOf } from './world/event-words.ts';
import type { World } from './world/world.ts';

export interface StepLoopOptions {
  readonly plane: Pick<DataPlane, 'apply'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Ends what the loop would do by itself: ticks, and the repetition of what the plane refused. */
  readonly signal: AbortSignal;
  /**
   * Called when a result is in force, while the plane may still be busy with its table.
   * @param nowMs the time that the step was made with
   */
  readonly onResult: (result: StepResult, input: Fact | Request, nowMs: number) => void;
}

/** Something in the queue. A request settles once it is in force or refused; a mark, once all before it is done. */
type Entry =
  | { readonly fact: Fact }
  | { readonly request: Request; readonly resolve: () => void; readonly reject: (reason: unknown) => void }
  | { readonly mark: () => void };

type RequestEntry = Extract<Entry, { request: Request }>;

/** The delay after which a table that the plane refused is tried again. */
const RETRY_MS = 1000;

/**
 * The one way to another world, and to the plane: takes inputs one at a time, and applies one table at a time. Facts that are at
 * hand together become one table. A request whose table the plane refuses changes nothing.
 */
export class StepLoop {
  readonly #options: StepLoopOptions;
  #world: World;
  #queue: Entry[] = [];
  #isRunning = false;
  /** The table in the plane; undefined while its content is not known. */
  #applied: ForwardingTable | undefined;
  #retry: NodeJS.Timeout | undefined;
  #tick: NodeJS.Timeout | undefined;

  constructor(world: World, options: StepLoopOptions) {
    this.#world = world;
    this.#options = options;
    options.signal.addEventListener('abort', () => this.#stopTimers(), { once: true });
  }

  get world(): World {
    return this.#world;
  }

  note(fact: Fact): void {
    this.#push({ fact });
  }

  /** Resolves when the request is in force. @throws what `step` throws for it, and what the plane's `apply` throws; then nothing has changed */
  require(request: Request): Promise<void> {
    return new Promise((resolve, reject) => this.#push({ request, resolve, reject }));
  }

  /** Resolves when all that came so far has been done. */
  idle(): Promise<void> {
    return new Promise((mark) => this.#push({ mark }));
  }

  #push(entry: Entry): void {
    this.#queue.push(entry);
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#queue.length > 0) {
      // What a thousand checks have found at once would otherwise be a thousand tables.
      await setImmediate();
      await this.#turn();
    }
    this.#isRunning = false;
    this.#watchTick();
  }

  async #turn(): Promise<void> {
    const facts = this.#takeWhile((entry) => 'fact' in entry);
    if (facts.length > 0) return this.#takeFacts(facts.map(({ fact }) => fact));
    const overrides = this.#takeWhile(
      (entry): entry is RequestEntry => 'request' in entry && entry.request.kind === 'override',
    );
    if (overrides.length > 0) return this.#takeRequests(overrides);
    const next = this.#queue.shift();
    if (next !== undefined && 'mark' in next) next.mark();
    if (next !== undefined && 'request' in next) await this.#takeRequests([next]);
  }

  #takeWhile<Wanted extends Entry>(isWanted: (entry: Entry) => entry is Wanted): Wanted[] {
    const end = this.#queue.findIndex((entry) => !isWanted(entry));
    return this.#queue.splice(0, end === -1 ? this.#queue.length : end) as Wanted[];
  }

  async #takeFacts(facts: readonly Fact[]): Promise<void> {
    const before = this.#world.table;
    const results = merged(facts).map((fact) => {
      const nowMs = this.#options.now();
      const result = step(this.#world, fact, nowMs);
      this.#world = result.world;
      return { fact, result, nowMs };
    });
    // Traffic first, words while the plane is busy.
    const applying = this.#world.table === before && this.#applied !== undefined ? undefined : this.#follow();
    for (const { fact, result, nowMs } of results) this.#options.onResult(result, fact, nowMs);
    await applying;
  }

  /** Brings the plane to the table of now. What it refuses is reported, and tried again. */
  async #follow(): Promise<void> {
    clearTimeout(this.#retry);
    try {
      await this.#apply(this.#world.table);
    } catch (error) {
      const { signal, onResult, now } = this.#options;
      if (signal.aborted) return;
      const message = `the data plane refused a change: ${messageOf(error)}`;
      const events = [{ level: 'error', type: 'apply-failed', message }] as const;
      onResult({ world: this.#world, events, commands: [], saves: false }, { kind: 'tick' }, now());
      this.#retry = setTimeout(() => this.note({ kind: 'tick' }), RETRY_MS);
    }
  }

  /** Carries out several at once, or else each by itself. */
  async #takeRequests(entries: readonly RequestEntry[]): Promise<void> {
    const taken: { readonly entry: RequestEntry; readonly result: StepResult; readonly nowMs: number }[] = [];
    let world = this.#world;
    for (const entry of entries) {
      try {
        const nowMs = this.#options.now();
        const result = step(world, entry.request, nowMs);
        world = result.world;
        taken.push({ entry, result, nowMs });
      } catch (error) {
        entry.reject(error);
      }
    }
    try {
      await this.#apply(world.table);
    } catch (error) {
      if (taken.length === 1) return taken[0]?.entry.reject(error);
      for (const { entry } of taken) await this.#takeRequests([entry]);
      return;
    }
    this.#world = world;
    for (const { entry, result, nowMs } of taken) {
      this.#options.onResult(result, entry.request, nowMs);
      entry.resolve();
    }
  }

  async #apply(table: ForwardingTable): Promise<void> {
    if (table === this.#applied) return;
    // Until the plane has taken the table its content is unknown: the next table is then applied in any case.
    this.#applied = undefined;
    await this.#options.plane.apply(table);
    this.#applied = table;
  }

  #watchTick(): void {
    clearTimeout(this.#tick);
    const dueMs = nextTickMs(this.#world);
    if (dueMs === undefined || this.#options.signal.aborted) return;
    const delayMs = Math.max(0, dueMs - this.#options.now());
    this.#tick = setTimeout(() => this.note({ kind: 'tick' }), delayMs).unref();
  }

  #stopTimers(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#tick);
  }
}

/** Results of checks that follow each other become one input. */
function merged(facts: readonly Fact[]): Fact[] {
  const all: Fact[] = [];
  let results: CheckResult[] | undefined;
  for (const fact of facts) {
    if (fact.kind === 'checks' && results !== undefined) {
      results.push(...fact.results);
      continue;
    }
    results = fact.kind === 'checks' ? [...fact.results] : undefined;
    all.push(results === undefined ? fact : { kind: 'checks', results });
  }
  return all;
}
