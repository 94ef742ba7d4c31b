// An explanation of a packet as text.
import type { WireExplanation } from '../../contract/api/explanation.ts';
import { REASONS } from '../../forwarding/reasons.ts';
import { describePacket } from '../../net/describe/describe-packet.ts';
import type { Colour, Style } from '../tables/style.ts';
import { wrapWords } from '../tables/wrap-words.ts';

interface Verdict {
  readonly colour: Colour;
  readonly text: (explanation: WireExplanation) => string;
}

const VERDICTS: Readonly<Record<WireExplanation['verdict'], Verdict>> = {
  forward: { colour: 'green', text: forwarded },
  answer: { colour: 'cyan', text: ({ to }) => `Answered to ${to}` },
  hold: { colour: 'yellow', text: () => 'Held' },
  drop: { colour: 'red', text: () => 'Dropped' },
  pass: { colour: 'dim', text: () => "Passed to the host's own stack" },
};

/** A packet, the steps of the decision, the decision and what would be sent. */
export function explanationText(
  packet: Uint8Array,
  explanation: WireExplanation,
  { style, width = Number.POSITIVE_INFINITY }: { style: Style; width?: number | undefined },
): string {
  const wrapped = (sentence: string): string => wrapWords(sentence, width, 0).join('\n');
  const steps = explanation.sentences.map((sentence, index) => wrapped(`${index + 1}. ${sentence}`));
  const { colour, text } = VERDICTS[explanation.verdict];
  const decision = style(colour, wrapped(`${text(explanation)}${reasonText(explanation)}.`));
  const sent = explanation.packets.map((hex) => describePacket(Buffer.from(hex, 'hex')));
  return [describePacket(packet), steps.join('\n'), decision, ...sent]
    .filter((part) => part !== '')
    .map((part) => `${part}\n`)
    .join('\n');
}

function forwarded({ real, packets }: WireExplanation): string {
  return `Forwarded to ${real}${packets.length > 1 ? ` in ${packets.length} fragments` : ''}`;
}

function reasonText({ reason }: WireExplanation): string {
  return reason === null ? '' : ` (${reason}: ${REASONS[reason]})`;
}
