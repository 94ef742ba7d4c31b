import { isIpv6 } from '../../../src/net/address/ip-address.ts';
import { buildIcmp } from '../../../src/net/headers/icmp.ts';
import { buildIcmpv6 } from '../../../src/net/headers/icmpv6.ts';
import { PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { type Arrival, type Ends, icmpEchoType, ipBetween } from './ip-packets.ts';

export function echo(
  ends: Ends,
  kind: 'request' | 'reply',
  fields: { readonly rest: number; readonly payload: Uint8Array },
): Uint8Array {
  const { source, destination } = ends;
  const type = icmpEchoType(destination, kind);
  if (isIpv6(source) && isIpv6(destination)) {
    const message = buildIcmpv6({ source, destination, type, code: 0, ...fields });
    return ipBetween(ends, PROTOCOL.icmpv6, message);
  }
  return ipBetween(ends, PROTOCOL.icmp, buildIcmp({ type, code: 0, ...fields }));
}

/** Whether it is an echo request in a tunnel packet. */
export function isTunnelledEcho({ inner, header, packet }: Arrival): boolean {
  if (inner === undefined) return false;
  const type = packet[header.headerBytes + inner.headerBytes];
  return type === icmpEchoType(inner.destination, 'request');
}

/** What the VIP at a real answers to it. */
export function echoReplyTo({ packet, header, inner }: Arrival): Uint8Array {
  if (inner === undefined) throw new TypeError('not in a tunnel');
  const message = packet.subarray(header.headerBytes + inner.headerBytes, header.totalLength);
  const rest = new DataView(message.buffer, message.byteOffset).getUint32(4);
  const ends = { source: inner.destination, destination: inner.source };
  return echo(ends, 'reply', { rest, payload: message.subarray(8) });
}
