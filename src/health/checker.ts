// Runs the checks: when an attempt is made, and what follows.
import { formatDuration } from '../contract/values/duration.ts';
import type { CheckConnector } from '../dataplane/check-connector.ts';
import { type LocalShortage, localShortageIn } from '../local-shortage.ts';
import { printableText } from '../printable-text.ts';
import type { Check } from './check-identity.ts';
import {
  type Attempt,
  afterAttempt,
  type CheckState,
  firstAttemptDelayMs,
  firstState,
  type KnownHealth,
  type LastAttempt,
} from './check-state.ts';
import { passedWords } from './passed-words.ts';
import type { Probe } from './probe.ts';
import { isSameEffect } from './weight-effect.ts';

export interface CheckerOptions {
  readonly connector: CheckConnector;
  /**
   * Called at once after each attempt that changes what is known about the check, and after each that this machine could not make,
   * with the shortage. An attempt that passes like the one before it changes nothing.
   */
  readonly onResult: (key: string, state: CheckState, shortage: LocalShortage | undefined) => void;
  /** Called before each attempt. @throws Error a local shortage: the attempt is not made */
  readonly requireRoom?: () => void;
  /** Ends all checking; running attempts are aborted. */
  readonly signal: AbortSignal;
}

/** A check to run, and what to take it for until its first attempt has ended. */
export interface WantedCheck {
  readonly check: Check;
  readonly known: KnownHealth;
  /** True: others wait for its first attempt, which does not take its place in the whole warmup. */
  readonly soon?: boolean;
}

type Outcome = Pick<Attempt, 'error' | 'weight' | 'more'> & { readonly shortage?: LocalShortage | undefined };

interface RunningCheck {
  readonly check: Check;
  state: CheckState;
  /** The last attempt; undefined before the first one has ended. */
  last: LastAttempt | undefined;
  /** The answer that the running attempt has received. */
  heard: string | undefined;
  /** The timer of the next attempt, or of the running one's time limit. */
  timer: NodeJS.Timeout | undefined;
  /** Aborts the running attempt. */
  attempt: AbortController | undefined;
  startedMs: number;
  watching: Disposable | undefined;
  /** An attempt is worth making that has not begun yet. */
  hasChanged: boolean;
  /** The last attempt could not be made. */
  isUnmade: boolean;
}

/** Over this time the first attempts of checks are spread that others wait for. */
const SOON_MS = 1000;

/** Runs checks on real timers, each once however many reals it stands for. Its clock is `performance.now()`. */
export class Checker {
  readonly #options: CheckerOptions;
  readonly #running = new Map<string, RunningCheck>();
  #started = 0;

  constructor(options: CheckerOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', () => this.#stopAll(), { once: true });
  }

  /**
   * Returns the state of a check; undefined for a check that does not run. After the signal has aborted the last state remains.
   */
  state(key: string): CheckState | undefined {
    return this.#running.get(key)?.state;
  }

  /** Returns the last attempt; undefined until one has been made. */
  last(key: string): LastAttempt | undefined {
    return this.#running.get(key)?.last;
  }

  /** Makes these the checks that are run. Those that stay keep their state and schedule. */
  update(wanted: readonly WantedCheck[]): void {
    if (this.#options.signal.aborted) return;
    const keys = new Set(wanted.map(({ check }) => check.key));
    for (const [key, running] of this.#running) {
      if (keys.has(key)) continue;
      this.#running.delete(key);
      stop(running);
    }
    for (const one of wanted) if (!this.#running.has(one.check.key)) this.#start(one);
  }

  #stopAll(): void {
    for (const running of this.#running.values()) stop(running);
  }

  #start({ check, known, soon = false }: WantedCheck): void {
    const { warmupMs, intervalMs } = check.schedule;
    const spreadMs = Math.min(warmupMs ?? intervalMs, soon ? SOON_MS : Infinity);
    const delay = firstAttemptDelayMs(this.#started++, spreadMs);
    const running: RunningCheck = {
      check,
      state: firstState(known, performance.now() + delay),
      last: undefined,
      heard: undefined,
      timer: undefined,
      attempt: undefined,
      startedMs: 0,
      watching: undefined,
      hasChanged: false,
      isUnmade: false,
    };
    this.#running.set(check.key, running);
    running.watching = check.probe.watch?.(() => this.#changed(running));
    this.#schedule(running);
  }

  #changed(running: RunningCheck): void {
    running.hasChanged = true;
    if (running.attempt !== undefined) return;
    clearTimeout(running.timer);
    this.#schedule(running);
  }

  // The methods that timers call are bound once and take the check as an argument: no closure for each attempt.

  #schedule(running: RunningCheck): void {
    const delay = running.hasChanged ? 0 : Math.max(0, running.state.dueMs - performance.now());
    running.timer = setTimeout(this.#begin, delay, running);
  }

  readonly #begin = (running: RunningCheck): void => {
    const controller = new AbortController();
    running.attempt = controller;
    running.hasChanged = false;
    running.heard = undefined;
    running.startedMs = performance.now();
    running.timer = setTimeout(this.#timeOut, running.check.schedule.timeoutMs, running);
    void this.#attempt(running, controller);
  };

  async #attempt(running: RunningCheck, controller: AbortController): Promise<void> {
    const { target, probe } = running.check;
    const { connector, requireRoom } = this.#options;
    let outcome: Outcome;
    try {
      requireRoom?.();
      const { up } = running.state;
      const heard = (answer: string): void => {
        if (running.attempt === controller) running.heard = printableText(answer);
      };
      const result = await probe.run({ target, connector, signal: controller.signal, up, heard });
      outcome = outcomeOf(result);
    } catch (cause) {
      const error = printableText(cause instanceof Error ? cause.message : String(cause));
      outcome = { error, shortage: localShortageIn(cause) };
    }
    // An attempt that has timed out or been stopped has ended already, whatever its probe says later.
    if (running.attempt === controller) this.#end(running, outcome);
  }

  // An answer may have come while the loop was busy with something long: it is read before the timeout counts.
  readonly #timeOut = (running: RunningCheck): void => {
    setImmediate(this.#expire, running, running.attempt);
  };

  readonly #expire = (running: RunningCheck, controller: AbortController | undefined): void => {
    if (controller === undefined || running.attempt !== controller) return;
    const reason = new Error(`no answer within ${formatDuration(running.check.schedule.timeoutMs)}`);
    running.heard = 'no answer, which passes';
    this.#end(running, { error: running.check.probe.silencePasses ? undefined : reason.message });
    controller.abort(reason);
  };

  #end(running: RunningCheck, outcome: Outcome): void {
    clearTimeout(running.timer);
    running.attempt = undefined;
    const { check, state: before } = running;
    const { shortage, ...found } = outcome;
    const unmade = shortage !== undefined;
    const attempt = { startedMs: running.startedMs, endedMs: performance.now(), ...found, unmade };
    const state = afterAttempt(before, attempt, check.schedule);
    running.state = state;
    if (!unmade) {
      const answer = found.error ?? running.heard ?? passedWords(check.type);
      running.last = { tookMs: attempt.endedMs - attempt.startedMs, answer };
    }
    this.#schedule(running);
    const wasUnmade = running.isUnmade;
    running.isUnmade = unmade;
    if (unmade || wasUnmade || !isSameFinding(before, state))
      this.#options.onResult(check.key, state, shortage);
  }
}

/** Returns true if two states differ in their schedules alone. */
function isSameFinding(a: CheckState, b: CheckState): boolean {
  return (
    a.up === b.up &&
    a.failures === b.failures &&
    a.lastError === b.lastError &&
    a.presumed === b.presumed &&
    isSameEffect(a.weight, b.weight)
  );
}

function outcomeOf(result: Awaited<ReturnType<Probe['run']>>): Outcome {
  if (result !== undefined && 'more' in result) return { error: undefined, more: result.more };
  return { error: undefined, weight: result };
}

function stop(running: RunningCheck): void {
  running.watching?.[Symbol.dispose]();
  clearTimeout(running.timer);
  running.attempt?.abort();
  running.attempt = undefined;
}
