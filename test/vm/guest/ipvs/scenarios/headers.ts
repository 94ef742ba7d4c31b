import { writeU16 } from '../../../../../src/net/bytes.ts';
import type { Action } from '../../../../golden/ipvs/golden.ts';
import { toHex } from '../../../../golden/ipvs/hex.ts';
import { IPV6_HEADER_BYTES, ipPacket, PROTOCOL, tcpPacket, udpPacket } from '../raw-packet.ts';
import type { GoldenSet, ScenarioInput } from './scenario-input.ts';
import { FAMILIES, openTo } from './tunnel-packets.ts';

const IPIP = { type: 'ipip' } as const;
const V4 = { source: FAMILIES.v4.client, destination: FAMILIES.v4.vip };
const V6 = { source: FAMILIES.v6.client, destination: FAMILIES.v6.vip };
const MORE_FRAGMENTS = 0x2000;

export const HEADERS: GoldenSet = {
  description: 'Fragments of client packets, extension headers, pmtu_disc 0',
  scenarios: [
    scenario('IPv4 fragments', 'v4', [
      inTurn(ipv4Fragments(600, 40_000)),
      inTurn(ipv4Fragments(600, 40_001).toReversed()),
      inTurn(ipv4Fragments(1472, 40_002)),
    ]),
    scenario('IPv6 fragments', 'v6', [
      inTurn(ipv6Fragments(600, 40_000)),
      inTurn(ipv6Fragments(600, 40_001).toReversed()),
      inTurn(ipv6Fragments(1800, 40_002)),
      inTurn([atomicFragment(40_003)]),
    ]),
    scenario('IPv6 extension headers', 'v6', [
      inTurn([extended([PROTOCOL.hopByHop], 40_000)]),
      inTurn([extended([PROTOCOL.destination], 40_001)]),
      inTurn([extended([PROTOCOL.hopByHop, PROTOCOL.destination], 40_002)]),
      inTurn([ipPacket(V6, 59, new Uint8Array(0))]),
    ]),
    {
      ...scenario('pmtu_disc 0', 'v4', [
        inTurn([tcpPacket({ ...V4, sourcePort: 40_000, destinationPort: 80 })]),
        inTurn([tcpPacket({ ...V4, sourcePort: 40_000, destinationPort: 80, flags: 0x10, dataBytes: 1441 })]),
      ]),
      sysctls: { pmtu_disc: 0 },
    },
  ],
};

function scenario(name: string, inner: 'v4' | 'v6', steps: readonly Action[]): ScenarioInput {
  return { ...openTo({ inner, outer: inner, tunnel: IPIP }), name, steps };
}

function inTurn(list: readonly Uint8Array[]): Action {
  return { packets: list.map(toHex) };
}

/** A UDP datagram of so many bytes of data, in two. */
function ipv4Fragments(dataBytes: number, sourcePort: number): Uint8Array[] {
  const rest = udpPacket({ ...V4, sourcePort, destinationPort: 80, dataBytes }).subarray(
    FAMILIES.v4.headerBytes,
  );
  const cut = 8 * Math.ceil(rest.length / 16);
  const id = sourcePort;
  return [
    ipPacket({ ...V4, id, fragment: MORE_FRAGMENTS }, PROTOCOL.udp, rest.subarray(0, cut)),
    ipPacket({ ...V4, id, fragment: cut / 8 }, PROTOCOL.udp, rest.subarray(cut)),
  ];
}

function ipv6Fragments(dataBytes: number, sourcePort: number): Uint8Array[] {
  const datagram = udpPacket({ ...V6, sourcePort, destinationPort: 80, dataBytes });
  const rest = datagram.subarray(IPV6_HEADER_BYTES);
  const cut = 8 * Math.ceil(rest.length / 16);
  return [
    fragment(PROTOCOL.udp, { id: sourcePort, offset: 0, more: true }, rest.subarray(0, cut)),
    fragment(PROTOCOL.udp, { id: sourcePort, offset: cut, more: false }, rest.subarray(cut)),
  ];
}

/** RFC 6946: a fragment that is the whole. */
function atomicFragment(sourcePort: number): Uint8Array {
  const rest = tcpPacket({ ...V6, sourcePort, destinationPort: 80 }).subarray(IPV6_HEADER_BYTES);
  return fragment(PROTOCOL.tcp, { id: sourcePort, offset: 0, more: false }, rest);
}

function fragment(
  next: number,
  place: { readonly id: number; readonly offset: number; readonly more: boolean },
  bytes: Uint8Array,
): Uint8Array {
  const header = new Uint8Array(8);
  header[0] = next;
  writeU16(header, 2, place.offset | (place.more ? 1 : 0));
  writeU16(header, 6, place.id);
  return ipPacket(V6, PROTOCOL.fragment, Buffer.concat([header, bytes]));
}

/** A SYN behind these headers, each of eight bytes: a PadN option of six. */
function extended(headers: readonly number[], sourcePort: number): Uint8Array {
  const rest = tcpPacket({ ...V6, sourcePort, destinationPort: 80 }).subarray(IPV6_HEADER_BYTES);
  const nexts = [...headers.slice(1), PROTOCOL.tcp];
  const extensions = nexts.map((next) => Uint8Array.of(next, 0, 1, 4, 0, 0, 0, 0));
  return ipPacket(V6, headers[0] ?? PROTOCOL.tcp, Buffer.concat([...extensions, rest]));
}
