import { expect } from 'vitest';
import type { Decision } from '../../../../src/forwarding/decision.ts';
import type { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import { formatIp, type IpAddress, isIpv6 } from '../../../../src/net/address/ip-address.ts';
import { describeDifference } from '../../../../src/net/describe/describe-difference.ts';
import { describePacket } from '../../../../src/net/describe/describe-packet.ts';
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
  const isIndex = !isIpv6(decision.real as IpAddress) && decision.real < 0x10000;
  const address = (isIndex ? image.real(Number(decision.real))?.address : undefined) ?? decision.real;
  return { verdict, reason, real: formatIp(address as IpAddress) };
}

function bytesOf(decision: Decision | Expected): readonly Uint8Array[] {
  if (decision.verdict === 'forward') return decision.packets;
  return decision.verdict === 'answer' ? [decision.packet] : [];
}
