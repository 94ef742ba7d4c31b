import { findFlow } from '../../../../../src/forwarding/packets/quoted-flow.ts';
import { ip } from '../../../../../src/net/address/ip-address.ts';
import type { Ipv6Address } from '../../../../../src/net/address/ipv6-address.ts';
import { buildIpv6 } from '../../../../../src/net/headers/ipv6.ts';
import { buildTcp } from '../../../../../src/net/headers/tcp.ts';
import { buildUdp } from '../../../../../src/net/headers/udp.ts';
import { NOW_MS } from '../fixture.ts';
import { ipv6Image, outer6, REALS_6 } from '../ipv6.ts';
import { ACK, CLIENT_PORT, data, FIN, RST, SYN } from '../packets.ts';
import {
  CLIENT_6,
  fragment6,
  fragmentsOf6,
  hop6,
  icmp6,
  icmp6Error,
  ip6Packet,
  packetTooBig,
  tcp6,
  udp6,
  VIP_6,
} from '../packets6.ts';
import { answer, drop, forward, hold, type PacketRow, pass, row, type Step } from '../row.ts';

const [A, B, C] = REALS_6;
const MH = 80;
/** Where the ring has the client's flow. */
const MH_REAL = findFlow(ipv6Image(), {
  protocol: 'tcp',
  vip: VIP_6,
  servicePort: MH,
  client: CLIENT_6,
  clientPort: CLIENT_PORT,
})?.real.address as Ipv6Address;
const RR = 81;
const WRR = 53;
const NO_REAL = 82;
const REFUSES = 83;
const CLOSED = 99;
const ROUTER = ip('2001:db8:c::1') as Ipv6Address;
/** IDs of outer fragments: the second in the upper half. */
const FRAGMENT_ID = ((NOW_MS / 1000) & 0xffff) << 16;

function plain(packet: Uint8Array, real = A): Step {
  return forward(packet, real, outer6(packet, real));
}

function changed(packet: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = packet.slice();
  copy.set(values, at);
  return copy;
}

function full(port: number, sequence: number): Uint8Array {
  return tcp6(port, { flags: ACK, sequence, dataBytes: 1440 });
}

function told(packet: Uint8Array): Step {
  return answer(packet, packetTooBig(packet, 1460), 'too-big');
}

/** The outer packet cut at the most of eights that 1500 bytes leave behind 48: 1448. */
function outerFragments(packet: Uint8Array, real: Ipv6Address, count: number): Uint8Array[] {
  const inner = hop6(packet);
  const id = FRAGMENT_ID + count;
  return [inner.subarray(0, 1448), inner.subarray(1448)].map((part, i) => {
    const place = i * 1448 + (i === 0 ? 1 : 0);
    const header = Uint8Array.of(41, 0, place >> 8, place, id >>> 24, id >>> 16, id >>> 8, id);
    const addresses = { source: ip('2001:db8:0:1::2') as Ipv6Address, destination: real };
    return buildIpv6(
      { ...addresses, nextHeader: 44, hopLimit: inner[7] as number },
      Uint8Array.of(...header, ...part),
    );
  });
}

function cured(packet: Uint8Array, count: number): Step {
  return forward(packet, A, outerFragments(packet, A, count), 'blackhole-cured');
}

function reset(
  port: number,
  fields: { flags: number; sequence?: number; acknowledgment?: number },
): Uint8Array {
  const addresses = { source: VIP_6, destination: CLIENT_6 };
  const ports = { sourcePort: port, destinationPort: CLIENT_PORT };
  return buildIpv6(
    { ...addresses, nextHeader: 6 },
    buildTcp({ ...addresses, ...ports, window: 0, ...fields }),
  );
}

function unreachable(packet: Uint8Array, reason: 'no-service' | 'no-real'): Step {
  return answer(packet, icmp6Error({ type: 1, code: 4 }, packet), reason);
}

function realsAnswer(port: number, protocol: 'tcp' | 'udp' = 'tcp'): Uint8Array {
  const fields = { source: VIP_6, destination: CLIENT_6, sourcePort: port, destinationPort: CLIENT_PORT };
  const payload = data(100);
  return protocol === 'tcp'
    ? buildIpv6({ ...fields, nextHeader: 6 }, buildTcp({ ...fields, flags: ACK, payload }))
    : buildIpv6({ ...fields, nextHeader: 17 }, buildUdp({ ...fields, payload }));
}

function clientError(type: number, quoted: Uint8Array): Uint8Array {
  return icmp6({ type, code: 0, rest: 1400, payload: quoted }, { source: ROUTER });
}

function relayed(packet: Uint8Array, real: Ipv6Address): Step {
  return forward(packet, real, outer6(packet, real), 'icmp-relayed');
}

function echo(type: number, from: Ipv6Address, dataBytes: number): Uint8Array {
  const addresses = { source: from, destination: from === VIP_6 ? CLIENT_6 : VIP_6 };
  return icmp6(
    { type, code: 0, rest: 0x00070001, payload: data(dataBytes) },
    { ...addresses, trafficClass: 0x20, flowLabel: 0 },
  );
}

const HOP_BY_HOP = Uint8Array.of(6, 0, 1, 4, 0, 0, 0, 0);
const DESTINATION = Uint8Array.of(6, 0, 1, 4, 0, 0, 0, 0);
const ROUTING_DONE = Uint8Array.of(6, 0, 4, 0, 0, 0, 0, 0);
const ROUTING_ON = Uint8Array.of(6, 0, 4, 1, 0, 0, 0, 0);
const ATOMIC = Uint8Array.of(6, 0, 0, 0, 1, 2, 3, 4);

function extended(first: number, extensions: Uint8Array): Uint8Array {
  return tcp6(RR, { ip6: { first, extensions } });
}

function carriedAlong(packet: Uint8Array): Step {
  return forward(packet, A, outer6(packet, A), 'options');
}

const HEADER_ROWS: readonly PacketRow[] = [
  row(
    'IPv6: rr forwards in turn',
    ...[A, B, C, A].map((real, i) => plain(tcp6(RR, { sourcePort: 41_000 + i }), real)),
  ),
  row('IPv6: a flow stays where it began', plain(tcp6(RR)), plain(tcp6(RR, { flags: ACK, dataBytes: 100 }))),
  row('IPv6: UDP wrr', ...[A, B, A, C].map((real, i) => plain(udp6(WRR, { sourcePort: 41_000 + i }), real))),
  row(
    'IPv6: the outer hop limit is the decremented inner one',
    ...[2, 3, 255].map((hopLimit) => plain(tcp6(RR, { ip6: { hopLimit } }))),
  ),
  row(
    'IPv6: padding behind the packet is cut off',
    forward(Uint8Array.of(...tcp6(RR), 1, 2, 3), A, outer6(tcp6(RR), A)),
  ),
  row(
    'IPv6: extension headers are carried along',
    carriedAlong(extended(0, HOP_BY_HOP)),
    carriedAlong(extended(60, DESTINATION)),
    carriedAlong(extended(43, ROUTING_DONE)),
    carriedAlong(extended(0, Uint8Array.of(60, ...HOP_BY_HOP.subarray(1), ...DESTINATION))),
  ),
  row('IPv6: an atomic fragment is whole', carriedAlong(extended(44, ATOMIC))),
  row('IPv6: a VIP is no waypoint', drop(extended(43, ROUTING_ON), 'source-route')),
  row(
    'IPv6: another address',
    pass(tcp6(RR, { ip6: { destination: CLIENT_6 } })),
    pass(tcp6(RR).subarray(0, 39)),
  ),
  row(
    'IPv6: malformed headers',
    drop(tcp6(RR).subarray(0, 50), 'malformed-ip'),
    drop(extended(0, Uint8Array.of(6, 200, 0, 0, 0, 0, 0, 0)), 'malformed-ip'),
    drop(extended(60, Uint8Array.of(0, 0, 1, 4, 0, 0, 0, 0)), 'malformed-ip'),
    drop(ip6Packet(6, data(19)), 'truncated-transport'),
    drop(ip6Packet(17, data(7)), 'truncated-transport'),
    drop(ip6Packet(132, data(15)), 'truncated-transport'),
  ),
];

const OVERSIZE_ROWS: readonly PacketRow[] = [
  row('IPv6: 1460 is told, quoting 1232 bytes one hop on', plain(tcp6(RR)), told(full(RR, 1000))),
  row(
    'IPv6: a client that was told twice and sends the same again is cured',
    plain(tcp6(RR)),
    told(full(RR, 1000)),
    told(full(RR, 1000)),
    cured(full(RR, 1000), 1),
    cured(full(RR, 2440), 2),
  ),
  row(
    'IPv6: policy refuse never cures',
    plain(tcp6(REFUSES)),
    ...[1, 2, 3, 4].map(() => told(full(REFUSES, 7))),
  ),
  row(
    'IPv6: a source that no client can have is told nothing',
    ...['::', '::1', 'ff02::1', 'fe80::1', '::ffff:192.0.2.1', '2001:db8::10'].map((text) =>
      drop(tcp6(RR, { dataBytes: 1440, ip6: { source: ip(text) as Ipv6Address } }), 'martian-source'),
    ),
  ),
  row(
    'IPv6: nothing is remembered of it, and no turn taken',
    ...['::', '::1', '::ffff:192.0.2.1', 'ff00::', 'ff02::1', '2001:db8::10', '2001:db8:0:1::2'].flatMap(
      (text) =>
        [RR, MH].map((port) =>
          drop(tcp6(port, { ip6: { source: ip(text) as Ipv6Address } }), 'martian-source'),
        ),
    ),
    plain(tcp6(RR)),
    ...['0:0:0:1::', 'feff::1'].map((text, i) =>
      plain(tcp6(RR, { ip6: { source: ip(text) as Ipv6Address } }), i === 0 ? B : C),
    ),
  ),
];

const [FIRST, MIDDLE, LAST] = fragmentsOf6(udp6(WRR, { dataBytes: 2000 }), [800, 1600]) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

function follows(packet: Uint8Array): Step {
  return forward(packet, A, outer6(packet, A), 'fragment-forwarded');
}

const FULL_FIRST = fragment6(17, udp6(WRR, { dataBytes: 3000 }).subarray(40, 40 + 1448), {
  start: 0,
  more: true,
});
const FULL_NEXT = fragment6(17, data(1448), { start: 1448, more: true });
const BEHIND_OPTIONS = [
  fragment6(60, Uint8Array.of(17, 0, 1, 4, 0, 0, 0, 0, ...udp6(WRR, { dataBytes: 1000 }).subarray(40, 840)), {
    start: 0,
    more: true,
  }),
  fragment6(60, data(200), { start: 808, more: false }),
] as const;

const FRAGMENT_ROWS: readonly PacketRow[] = [
  row('IPv6: fragments leave one by one', follows(FIRST), follows(MIDDLE), follows(LAST)),
  row(
    'IPv6: those that come before the first are held and leave behind it',
    hold(LAST),
    hold(MIDDLE),
    forward(
      FIRST,
      A,
      [FIRST, LAST, MIDDLE].map((packet) => outer6(packet, A)),
      'fragment-forwarded',
    ),
  ),
  row(
    'IPv6: a first fragment that is too big is refused, and cured in the end',
    told(FULL_FIRST),
    told(FULL_FIRST),
    cured(FULL_FIRST, 1),
    forward(FULL_NEXT, A, outerFragments(FULL_NEXT, A, 2), 'fragment-forwarded'),
  ),
  row(
    'IPv6: later fragments need not say what they carry',
    hold(BEHIND_OPTIONS[1]),
    forward(
      BEHIND_OPTIONS[0],
      A,
      BEHIND_OPTIONS.map((packet) => outer6(packet, A)),
      'fragment-forwarded',
    ),
  ),
  row(
    'IPv6: the hop limit of the first one runs out: time exceeded, and the others go on',
    ((packet) => answer(packet, icmp6Error({ type: 3, code: 0 }, packet), 'ttl-expired'))(
      changed(FIRST, 7, 1),
    ),
    follows(MIDDLE),
  ),
  row(
    'IPv6: a first fragment without its transport header, or of ICMPv6, and what follows it',
    hold(fragment6(6, data(16), { start: 16, more: false })),
    drop(fragment6(6, data(16), { start: 0, more: true }), 'fragment-dropped'),
    drop(fragment6(6, data(16), { start: 16, more: false }), 'fragment-dropped'),
    drop(fragment6(58, data(16), { start: 0, more: true, id: 9 }), 'fragment-dropped'),
    drop(fragment6(58, data(16), { start: 16, more: false, id: 9 }), 'fragment-dropped'),
  ),
  row(
    'IPv6: a fragment that overlaps the TCP header is dropped',
    drop(fragment6(6, data(16), { start: 8, more: false }), 'fragment-dropped'),
  ),
];

const ANSWER_ROWS: readonly PacketRow[] = [
  row(
    'IPv6: the hop limit runs out: time exceeded from the VIP',
    ...[1, 0].map((hopLimit) =>
      ((packet) => answer(packet, icmp6Error({ type: 3, code: 0 }, packet), 'ttl-expired'))(
        tcp6(MH, { ip6: { hopLimit } }),
      ),
    ),
  ),
  row(
    'IPv6: resets, without the ECN bits of what they answer',
    answer(tcp6(RR, { flags: ACK }), reset(RR, { flags: RST, sequence: 5000 }), 'no-flow'),
    answer(
      tcp6(CLOSED, { flags: SYN | FIN, dataBytes: 10, ip6: { trafficClass: 3 } }),
      reset(CLOSED, { flags: RST | ACK, acknowledgment: 1012 }),
      'no-service',
    ),
    drop(tcp6(CLOSED, { flags: RST }), 'no-service'),
    drop(changed(tcp6(CLOSED), 56, 0x12, 0x34), 'bad-transport-checksum'),
  ),
  row(
    'IPv6: port unreachable to UDP, whose checksum has to be there and right',
    unreachable(udp6(CLOSED), 'no-service'),
    drop(changed(udp6(CLOSED), 46, 0x12, 0x34), 'bad-transport-checksum'),
    drop(changed(udp6(CLOSED), 46, 0, 0), 'bad-transport-checksum'),
  ),
  row(
    'IPv6: no real: port unreachable, six at once for all of a /64',
    ...[1, 2, 3, 4, 5].map(() => unreachable(tcp6(NO_REAL), 'no-real')),
    ((source) =>
      ((packet) => answer(packet, icmp6Error({ type: 1, code: 4 }, packet, source), 'no-real'))(
        tcp6(NO_REAL, { ip6: { source } }),
      ))(ip('2001:db8:c::ffff:1') as Ipv6Address),
    drop(tcp6(NO_REAL), 'answer-quiet'),
    ((source) =>
      ((packet) => answer(packet, icmp6Error({ type: 1, code: 4 }, packet, source), 'no-real'))(
        tcp6(NO_REAL, { ip6: { source } }),
      ))(ip('2001:db8:c:1::7') as Ipv6Address),
  ),
  row(
    'IPv6: echo to the VIP',
    ...[56, 0, 33].map((bytes) =>
      answer(echo(128, CLIENT_6, bytes), echo(129, VIP_6, bytes), 'echo-answered'),
    ),
    drop(changed(echo(128, CLIENT_6, 56), 42, 0x12, 0x34), 'bad-transport-checksum'),
    drop(echo(129, CLIENT_6, 56), 'icmp-unknown'),
  ),
  row(
    'IPv6: errors about an answer go to its real, types 1 to 4',
    ...[1, 2, 3, 4].map((type) => relayed(clientError(type, realsAnswer(MH)), MH_REAL)),
    relayed(changed(clientError(1, realsAnswer(MH).subarray(0, 44)), 42, 0x12, 0x34), MH_REAL),
  ),
  row(
    'IPv6: about a remembered flow, TCP and UDP',
    plain(tcp6(RR)),
    relayed(clientError(1, realsAnswer(RR)), A),
    plain(udp6(WRR)),
    relayed(clientError(1, realsAnswer(WRR, 'udp')), A),
  ),
  row(
    'IPv6: errors about no flow, other messages, and ICMP of the other family',
    drop(clientError(1, realsAnswer(RR)), 'icmp-unknown'),
    drop(clientError(1, realsAnswer(MH).subarray(0, 43)), 'icmp-unknown'),
    drop(clientError(5, realsAnswer(MH)), 'icmp-unknown'),
    drop(icmp6({ type: 135, code: 0, payload: data(16) }), 'icmp-unknown'),
    drop(ip6Packet(58, data(7)), 'icmp-unknown'),
    ((packet) => answer(packet, icmp6Error({ type: 4, code: 1, rest: 6 }, packet), 'unsupported-protocol'))(
      ip6Packet(1, data(40)),
    ),
  ),
  row(
    'IPv6: another protocol: parameter problem that points at what names it',
    ((packet) => answer(packet, icmp6Error({ type: 4, code: 1, rest: 6 }, packet), 'unsupported-protocol'))(
      ip6Packet(47, data(40)),
    ),
    ((packet) => answer(packet, icmp6Error({ type: 4, code: 1, rest: 40 }, packet), 'unsupported-protocol'))(
      ip6Packet(47, data(40), { first: 60, extensions: Uint8Array.of(47, 0, 1, 4, 0, 0, 0, 0) }),
    ),
    drop(ip6Packet(59, data(0)), 'unsupported-protocol'),
  ),
];

export const IPV6_ROWS: readonly PacketRow[] = [
  row('IPv6: mh: the ring alone tells', plain(tcp6(MH), MH_REAL), plain(tcp6(MH, { flags: ACK }), MH_REAL)),
  ...HEADER_ROWS,
  ...OVERSIZE_ROWS,
  ...FRAGMENT_ROWS,
  ...ANSWER_ROWS,
];
