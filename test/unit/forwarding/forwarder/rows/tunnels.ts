import type { Tunnel } from '../../../../../src/forwarding/forwarding-table.ts';
import { type IpAddress, isIpv4 } from '../../../../../src/net/address/ip-address.ts';
import { NOW_MS } from '../fixture.ts';
import { ACK, fragmentationNeeded, fragmentsOf, hop, mangled, tcp, udp } from '../packets.ts';
import { fragmentsOf6, hop6, packetTooBig, tcp6, udp6 } from '../packets6.ts';
import { answer, forward, type PacketRow, row, type Step } from '../row.ts';
import { inTunnel, type OuterFields, TUNNEL_CASES, type TunnelCase } from '../tunnels.ts';

const TCP_HEADERS_BYTES = 40;
const UDP_HEADERS_BYTES = 28;

/** IDs of outer IPv6 fragments have the second in their upper half. */
function idOf(real: IpAddress, count: number): number {
  return isIpv4(real) ? count : (((NOW_MS / 1000) & 0xffff) << 16) + count;
}

function plain(packet: Uint8Array, to: TunnelCase, fields?: OuterFields, tunnel: Tunnel = to.tunnel): Step {
  const hasChecksum = 'checksum' in to.tunnel && to.tunnel.checksum !== 'none';
  const sent = inTunnel(hop(packet), { ...to, tunnel }, fields);
  return forward(packet, to.real, sent, hasChecksum ? 'tunnel-checksum' : undefined);
}

/** Outer IPv4 fragments carry 1480 bytes of an MTU of 1500, IPv6 ones 1448. */
function inFragments(packet: Uint8Array, to: TunnelCase, count: number): Step {
  const behind = to.overheadBytes - (isIpv4(to.real) ? 20 : 40) + packet.length;
  const ends = [isIpv4(to.real) ? 1480 : 1448, behind];
  const sent = inTunnel(hop(packet), to, { id: idOf(to.real, count), ends, dontFragment: false });
  return forward(packet, to.real, sent, 'outer-fragments');
}

function rowsOf(to: TunnelCase): PacketRow[] {
  const { name, port, overheadBytes } = to;
  const room = 1500 - overheadBytes;
  const ofBytes = (bytes: number, dontFragment = true): Uint8Array =>
    tcp(port, { flags: ACK, dataBytes: bytes - TCP_HEADERS_BYTES, ip: { dontFragment } });
  const opens = plain(tcp(port), to);
  return [
    row(
      `${name}: TOS and TTL are the inner ones`,
      opens,
      ...[0xb8, 0x03].map((tos) => plain(tcp(port, { ip: { tos, ttl: 9 } }), to)),
    ),
    row(`${name}: ${room} bytes fill the tunnel`, opens, plain(ofBytes(room), to)),
    row(
      `${name}: one byte more, and ${room} is told`,
      opens,
      answer(ofBytes(room + 1), fragmentationNeeded(ofBytes(room + 1), room), 'too-big'),
    ),
    row(
      `${name}: without DF the outer ID counts, and too much leaves in outer fragments`,
      opens,
      plain(ofBytes(100, false), to, { id: 1, dontFragment: false }),
      inFragments(ofBytes(1500, false), to, isIpv4(to.real) ? 2 : 1),
    ),
    row(`${name}: UDP`, plain(udp(port), to), plain(udp(port, { dataBytes: room - UDP_HEADERS_BYTES }), to)),
    row(`${name}: an odd number of bytes`, plain(udp(port, { dataBytes: 33 }), to)),
    row(
      `${name}: fragments, each in its own header`,
      ...fragmentsOf(udp(port, { dataBytes: 1200 }), [800]).map((packet, i) => {
        const withoutRemote = to.tunnel.type === 'gue' && to.tunnel.checksum === 'remote';
        const tunnel = withoutRemote ? { ...to.tunnel, checksum: 'full' as const } : to.tunnel;
        const fields = { id: i + 1, dontFragment: false };
        const sent = inTunnel(hop(packet), { ...to, tunnel }, fields);
        return forward(packet, to.real, sent, 'fragment-forwarded');
      }),
    ),
  ];
}

const REMOTE = TUNNEL_CASES.filter(({ tunnel }) => tunnel.type === 'gue' && tunnel.checksum === 'remote');

/** The inner checksum is left to the receiver only where it is known to be right. */
const REMOTE_ROWS = REMOTE.map((to) => {
  const plainGue = { ...to.tunnel, checksum: 'full' } as Tunnel;
  return row(
    `${to.name}: a wrong checksum, or none, stays as it is`,
    plain(mangled(tcp(to.port), 36, 0x1234), to, {}, plainGue),
    plain(mangled(udp(to.port), 26, 0x1234), to, {}, plainGue),
    plain(mangled(udp(to.port), 26, 0), to, {}, plainGue),
  );
});

/** Over IPv4 the ID counts, as no outer packet of IPv6 has DF. */
function plain6(packet: Uint8Array, to: TunnelCase, id = 1): Step {
  const hasChecksum = 'checksum' in to.tunnel && to.tunnel.checksum !== 'none';
  const fields = isIpv4(to.real) ? { id } : {};
  return forward(
    packet,
    to.real,
    inTunnel(hop6(packet), to, fields),
    hasChecksum ? 'tunnel-checksum' : undefined,
  );
}

function ipv6RowsOf(to: TunnelCase): PacketRow[] {
  const { port, overheadBytes } = to;
  const name = `IPv6 in ${to.name}`;
  const room = 1500 - overheadBytes;
  const ofBytes = (bytes: number): Uint8Array => tcp6(port, { flags: ACK, dataBytes: bytes - 60 });
  const opens = plain6(tcp6(port), to);
  return [
    row(
      `${name}: traffic class and hop limit are the inner ones`,
      opens,
      ...[0xb8, 0x03].map((trafficClass, i) =>
        plain6(tcp6(port, { ip6: { trafficClass, hopLimit: 9 } }), to, i + 2),
      ),
    ),
    row(`${name}: ${room} bytes fill the tunnel`, opens, plain6(ofBytes(room), to, 2)),
    row(
      `${name}: one byte more, and ${room} is told`,
      opens,
      answer(ofBytes(room + 1), packetTooBig(ofBytes(room + 1), room), 'too-big'),
    ),
    row(`${name}: UDP, an odd number of bytes`, plain6(udp6(port, { dataBytes: 33 }), to)),
    row(
      `${name}: fragments, each in its own header`,
      ...fragmentsOf6(udp6(port, { dataBytes: 1200 }), [800]).map((packet, i) => {
        const withoutRemote = to.tunnel.type === 'gue' && to.tunnel.checksum === 'remote';
        const tunnel = withoutRemote ? { ...to.tunnel, checksum: 'full' as const } : to.tunnel;
        const sent = inTunnel(hop6(packet), { ...to, tunnel }, isIpv4(to.real) ? { id: i + 1 } : {});
        return forward(packet, to.real, sent, 'fragment-forwarded');
      }),
    ),
  ];
}

export const TUNNEL_ROWS: readonly PacketRow[] = [
  ...TUNNEL_CASES.flatMap(rowsOf),
  ...REMOTE_ROWS,
  ...TUNNEL_CASES.flatMap(ipv6RowsOf),
];
