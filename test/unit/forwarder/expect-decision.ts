import { expect } from 'vitest';
import type { Decision } from '../../../src/forwarding/decision.ts';
import type { ForwardingImage } from '../../../src/forwarding/image/forwarding-image.ts';
import { describePacket } from '../../../src/net/describe.ts';
import { describeDifference } from '../../../src/net/describe-difference.ts';
import { formatIpv4 } from '../../../src/net/ipv4-address.ts';
import type { Expected } from './row.ts';

/** Compares a decision with a row's; a failure shows both packets decoded. */
export function expectDecision(decision: Decision, expected: Expected, image: ForwardingImage): void {
  expect(said(decision, image)).toEqual(said(expected, image));
  const actual = bytesOf(decision);
  const wanted = bytesOf(expected);
  expect(actual.length, 'packets sent').toBe(wanted.length);
  for (const [i, packet] of wanted.entries()) {
    const difference = describeDifference(packet, actual[i] as Uint8Array, describePacket);
    if (difference !== undefined) expect.fail(difference);
  }
}

function said(decision: Decision | Expected, image: ForwardingImage): object {
  const { verdict, reason } = decision;
  if (decision.verdict !== 'forward') return { verdict, reason };
  // In a row a real is an address; in a decision an index, which is far smaller than any address.
  const address = image.real(decision.real < 0x10000 ? decision.real : 0)?.address ?? decision.real;
  return { verdict, reason, real: formatIpv4(address as never) };
}

function bytesOf(decision: Decision | Expected): readonly Uint8Array[] {
  if (decision.verdict === 'forward') return decision.packets;
  return decision.verdict === 'answer' ? [decision.packet] : [];
}
