// Explains a decision step by step without changing any state, for `culvert explain`.
import { describePacket } from '../net/describe/describe-packet.ts';
import type { Decision, Explanation } from './decision.ts';
import type { Context } from './decision-context.ts';
import { decideIn, joined } from './forwarder.ts';
import { REASONS } from './reasons.ts';
import type { ForwarderState } from './state.ts';

/** Explains in sentences what would happen to a packet and why. Changes nothing: no flow, counter, turn or budget. */
export function explain(packet: Uint8Array, state: ForwarderState, nowMs: number): Explanation {
  const sentences: string[] = [];
  const context: Context = {
    state,
    nowMs,
    readOnly: true,
    trace: (sentence) => {
      sentences.push(sentence);
    },
  };
  const decision = joined(decideIn(context, packet));
  sentences.push(conclusion(decision));
  const real = decision.verdict === 'forward' ? state.image.real(decision.real)?.address : undefined;
  return { decision, real, sentences };
}

const CONCLUSIONS: Readonly<Record<Decision['verdict'], string>> = {
  forward: 'Forwarded',
  answer: 'Answered',
  hold: 'Held',
  drop: 'Dropped',
  pass: 'Passed on',
};

function conclusion(decision: Decision): string {
  const { verdict, reason } = decision;
  const why = reason === undefined ? 'the fast path does the same' : REASONS[reason];
  const sent = decision.verdict === 'answer' ? ` with ${summary(decision.packet)}` : '';
  return `${CONCLUSIONS[verdict]}${sent} (${why}).`;
}

/** Describes a packet in one line: its IP header and the transport header. */
function summary(packet: Uint8Array): string {
  const lines = describePacket(packet).split('\n');
  const carried = lines.find((line) => /^ {2}(TCP|UDP|SCTP|ICMP)/.test(line));
  return carried === undefined ? (lines[0] ?? '') : `${lines[0]}, ${carried.trim()}`;
}
