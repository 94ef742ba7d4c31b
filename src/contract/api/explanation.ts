// The explanation of a packet's decision, as the API returns it.
import { z } from 'zod';
import { REASON_NAMES } from '../../forwarding/reasons.ts';
import { address, body } from './wire-values.ts';

export const explanationSchema = body(
  z.object({
    verdict: z.enum(['forward', 'answer', 'hold', 'drop', 'pass']),
    reason: z.enum(REASON_NAMES).nullable(),
    real: address.nullable().describe('The real that a forwarded packet goes to.'),
    to: address.nullable().describe('Where an answer is sent to.'),
    packets: z.array(z.string()).describe('The IP packets that would be sent, in hex.'),
    sentences: z.array(z.string()),
  }),
);

export type WireExplanation = z.output<typeof explanationSchema>;

/** 64 KiB is the longest IPv4 packet; one of IPv6 has 40 bytes more. */
export const explainRequestSchema = z.strictObject({
  packet: z
    .string()
    .max(2 * (65_535 + 40))
    .regex(/^(?:[0-9a-f]{2})+$/i, 'must be an IP packet in hex, with two digits per byte'),
});
