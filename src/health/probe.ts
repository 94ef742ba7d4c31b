// The interface of a probe, which makes one attempt of a check.
import type { CheckConnector, CheckTarget } from '../dataplane/check-connector.ts';
import type { WeightEffect } from './weight-effect.ts';

export interface ProbeContext {
  readonly target: CheckTarget;
  readonly connector: CheckConnector;
  /** Aborts when the attempt's time is up or nobody wants to know any more; everything is released then. */
  readonly signal: AbortSignal;
  /** True while the check counts as up. */
  readonly up: boolean;
  /** Notes what the server answered, in a few words for the operator; the last ones of an attempt that passes are shown. */
  readonly heard?: (answer: string) => void;
}

/**
 * An attempt without a fault so far. A check that is down stays down until more attempts have passed, which follow `now` or after
 * the interval.
 */
export interface Unfinished {
  readonly more: 'now' | 'later';
}

/** Makes one attempt of a check. */
export interface Probe {
  /** True: an attempt that has heard nothing when its time is up has passed. */
  readonly silencePasses: boolean;
  /**
   * Resolves when the attempt has passed, with what it makes of the weight if it is one that does, or with what is
   * still to be done.
   * Rejects with an Error whose message says why it has not.
   */
  run(context: ProbeContext): Promise<WeightEffect | Unfinished | undefined>;
  /** Calls `changed` when an attempt is worth making before it is due, until it is disposed of. */
  watch?(changed: () => void): Disposable;
}
