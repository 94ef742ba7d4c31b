// The state of the probes that test whether a reported path MTU is true.
import type { IpAddress } from '../../net/address/ip-address.ts';
import type { RealIndex } from '../decision.ts';
import type { RealEntry } from '../image/forwarding-image.ts';

/** A probe to be sent: an outer packet of exactly this size. */
export interface Probe {
  readonly real: RealIndex;
  readonly sizeBytes: number;
  /** The identifier of the echo request, which its answer repeats. */
  readonly identifier: number;
  readonly sequence: number;
}

export interface ProbeVerdict {
  readonly real: RealIndex;
  readonly address: IpAddress;
  readonly mtuBytes: number;
  /** True if the path carries that size and not one byte more. */
  readonly isConfirmed: boolean;
}

interface Question {
  readonly index: RealIndex;
  readonly mtuBytes: number;
  readonly startedMs: number;
  readonly identifier: number;
  attempts: number;
  /** True if the probe of the reported MTU was answered. */
  carries: boolean;
  /** True if the probe of one byte more was answered: the report was wrong. */
  carriesMore: boolean;
}

/** The number of probes sent, as one may be lost for another reason. */
const ATTEMPTS = 3;
const INTERVAL_MS = 1000;
/** The number of reals whose paths are tested at one time. */
const MOST_QUESTIONS = 64;

/**
 * Tests whether a report is true that quotes too little to be believed. Two probes are sent: one of the reported MTU, and one of
 * a byte more. The report is true if the first is answered and the second never is. If the second is, the report was forged or is
 * old; if neither is, the real answers no echo, and nothing is learned.
 *
 * `begin` (by `learnPathMtu`) -> `due` now and every INTERVAL_MS, ATTEMPTS times -> `answered` -> `settle` one interval later.
 */
export class PathProbes {
  readonly #questions = new Map<IpAddress, Question>();
  #nextIdentifier = 1;

  /** Begins a test, unless the real has one: a flood of reports makes no flood of probes. */
  begin({ index, address }: RealEntry, mtuBytes: number, nowMs: number): void {
    if (this.#questions.has(address) || this.#questions.size >= MOST_QUESTIONS) return;
    const identifier = this.#nextIdentifier;
    this.#nextIdentifier = (identifier % 0xffff) + 1;
    const answers = { attempts: 0, carries: false, carriesMore: false };
    this.#questions.set(address, { index, mtuBytes, startedMs: nowMs, identifier, ...answers });
  }

  /** Returns the probes to send now, each of them once. */
  due(nowMs: number): Probe[] {
    const probes: Probe[] = [];
    for (const question of this.#questions.values()) {
      const { index: real, identifier, mtuBytes, startedMs, attempts } = question;
      if (attempts === ATTEMPTS || nowMs < startedMs + attempts * INTERVAL_MS) continue;
      question.attempts++;
      for (const more of [0, 1]) {
        probes.push({ real, identifier, sizeBytes: mtuBytes + more, sequence: attempts * 2 + more });
      }
    }
    return probes;
  }

  /** Notes that the real at this address answered a probe. */
  answered(address: IpAddress, sequence: number): void {
    const question = this.#questions.get(address);
    if (question === undefined) return;
    if (sequence & 1) question.carriesMore = true;
    else question.carries = true;
  }

  /** Returns the real whose test has this identifier. */
  realOf(identifier: number): RealIndex | undefined {
    for (const question of this.#questions.values()) {
      if (question.identifier === identifier) return question.index;
    }
    return undefined;
  }

  /** Returns the verdicts of the tests that are over, each of them once. */
  settle(nowMs: number): ProbeVerdict[] {
    const verdicts: ProbeVerdict[] = [];
    for (const [address, question] of this.#questions) {
      const { index: real, mtuBytes, startedMs, carries, carriesMore } = question;
      if (!carriesMore && nowMs < startedMs + ATTEMPTS * INTERVAL_MS) continue;
      this.#questions.delete(address);
      verdicts.push({ real, address, mtuBytes, isConfirmed: carries && !carriesMore });
    }
    return verdicts;
  }
}
