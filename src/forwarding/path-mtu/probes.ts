// Which path MTUs are being proven, and what the probes say.
import type { IpAddress } from '../../net/address/ip-address.ts';
import type { RealIndex } from '../decision.ts';
import type { RealEntry } from '../image/forwarding-image.ts';

/** A probe that is to be sent: an outer packet of exactly this size. */
export interface Probe {
  readonly real: RealIndex;
  readonly sizeBytes: number;
  /** Of the echo request, by which its answer is known. */
  readonly identifier: number;
  readonly sequence: number;
}

export interface ProbeVerdict {
  readonly real: RealIndex;
  readonly address: IpAddress;
  readonly mtuBytes: number;
  /** The path carries that size and not one byte more. */
  readonly isConfirmed: boolean;
}

interface Question {
  readonly index: RealIndex;
  readonly mtuBytes: number;
  readonly startedMs: number;
  readonly identifier: number;
  attempts: number;
  /** The probe of the reported MTU was answered. */
  carries: boolean;
  /** The one of a byte more was: the report was wrong. */
  carriesMore: boolean;
}

/** A probe may be lost for another reason. */
const ATTEMPTS = 3;
const INTERVAL_MS = 1000;
/** Reals whose paths are asked about at one time. */
const MOST_QUESTIONS = 64;

/**
 * Asks a path whether a report about it is true that quotes too little to be believed. Two probes tell: one of the MTU that
 * was reported, and one of a byte more. The report is true if the first is answered and the second never is. If the second
 * is, it was forged or is old; if neither is, the real answers no echo, and nothing is learned.
 *
 * `begin` (by `learnPathMtu`) -> `due` now and every INTERVAL_MS, ATTEMPTS times -> `answered` -> `settle` one interval later.
 */
export class PathProbes {
  readonly #questions = new Map<IpAddress, Question>();
  #nextIdentifier = 1;

  /** One question to a real at a time: a flood of reports makes no flood of probes. */
  begin({ index, address }: RealEntry, mtuBytes: number, nowMs: number): void {
    if (this.#questions.has(address) || this.#questions.size >= MOST_QUESTIONS) return;
    const identifier = this.#nextIdentifier;
    this.#nextIdentifier = (identifier % 0xffff) + 1;
    const answers = { attempts: 0, carries: false, carriesMore: false };
    this.#questions.set(address, { index, mtuBytes, startedMs: nowMs, identifier, ...answers });
  }

  /** The probes to send now; each is told once. */
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

  /** The real at this address has answered a probe. */
  answered(address: IpAddress, sequence: number): void {
    const question = this.#questions.get(address);
    if (question === undefined) return;
    if (sequence & 1) question.carriesMore = true;
    else question.carries = true;
  }

  /** The real whose question has this identifier. */
  realOf(identifier: number): RealIndex | undefined {
    for (const question of this.#questions.values()) {
      if (question.identifier === identifier) return question.index;
    }
    return undefined;
  }

  /** The questions that are answered, one way or the other; each is told once. */
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
