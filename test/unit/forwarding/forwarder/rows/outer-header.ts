import { NOW_MS, REALS } from '../fixture.ts';
import { ACK, data, FIN, ipPacket, outer, PSH, SYN, tcp, udp } from '../packets.ts';
import { drop, forward, type PacketRow, row } from '../row.ts';

const [A, B, C] = REALS;
const RR = 81;
const MH = 80;
const WRR = 53;

function plain(packet: Uint8Array, real = A): ReturnType<typeof forward> {
  return forward(packet, real, outer(packet, real));
}

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

/** Options that the packet has and those that it leaves with. */
function options(before: string, after: string): ReturnType<typeof forward> {
  const packet = tcp(RR, { ip: { options: bytes(before) } });
  const filled = tcp(RR, { ip: { options: bytes(after) } });
  return forward(packet, A, outer(filled, A), 'options');
}

const SYN_DF = '45000028123440004006 3c57 c6336407c000020a 9c400051000003e8000013885002ffff0f9c0000';
const SYN_DF_OUTER = '4500003c00004000 3f04 26bb 0a0000020a000102';
const SYN_DF_INNER = '4500002812344000 3f06 3d57 c6336407c000020a 9c400051000003e8000013885002ffff0f9c0000';
const NOT_UT = (NOW_MS | 0x8000_0000) >>> 0;
const TIME = NOT_UT.toString(16);
const AT_VIP = 'c000020a';

export const OUTER_HEADER_ROWS: readonly PacketRow[] = [
  row(
    'rr begins with the real listed first and goes forwards',
    ...[A, B, C, A].map((real, i) => plain(tcp(RR, { sourcePort: 41_000 + i }), real)),
  ),
  row(
    'wrr 3:2:1 takes its turns 1 2 1 3 2 1',
    ...[A, B, A, C, B, A, A, B].map((real, i) => plain(udp(WRR, { sourcePort: 41_000 + i }), real)),
  ),
  row(
    'a flow stays where it began',
    plain(tcp(RR)),
    plain(tcp(RR, { flags: ACK })),
    plain(tcp(RR, { flags: ACK | PSH, dataBytes: 100 })),
  ),
  row(
    'a SYN that is sent again stays with its real',
    plain(tcp(RR)),
    plain(tcp(RR)),
    plain(tcp(RR, { flags: ACK })),
    plain(tcp(RR)),
    plain(tcp(RR, { flags: ACK })),
  ),
  row(
    'a client that has closed its side goes on where it is, until it opens again',
    plain(tcp(RR)),
    plain(tcp(RR, { flags: ACK })),
    plain(tcp(RR, { flags: FIN | ACK })),
    plain(tcp(RR, { flags: ACK })),
    plain(tcp(RR, { flags: FIN | ACK })),
    ...[A, B, C].flatMap((_, i) => [
      plain(tcp(RR), [B, C, A][i]),
      plain(tcp(RR), [B, C, A][i]),
      plain(tcp(RR, { flags: ACK }), [B, C, A][i]),
      plain(tcp(RR, { flags: FIN | ACK }), [B, C, A][i]),
      plain(tcp(RR, { flags: ACK }), [B, C, A][i]),
    ]),
  ),
  row('UDP from one port stays with its real', plain(udp(WRR)), plain(udp(WRR, { dataBytes: 11 }))),
  row(
    'mh: the ring alone tells, in the middle of a flow too',
    plain(tcp(MH), B),
    plain(tcp(MH, { flags: ACK }), B),
  ),
  row(
    'without DF the outer ID counts and is not 0',
    ...[1, 2].map((id) => {
      const packet = tcp(RR, { ip: { dontFragment: false } });
      return forward(packet, A, outer(packet, A, { id, dontFragment: false }));
    }),
  ),
  row(
    'the outer TTL is the decremented inner one',
    ...[2, 3, 255].map((ttl) => plain(tcp(RR, { ip: { ttl } }))),
  ),
  row(
    'DSCP and ECN are copied, CE included',
    ...[0xb8, 0x01, 0x02, 0x03, 0xff].map((tos) => plain(tcp(RR, { ip: { tos } }))),
  ),
  row(
    'padding behind the packet is cut off',
    forward(Uint8Array.of(...tcp(RR), 1, 2, 3, 4, 5, 6), A, outer(tcp(RR), A)),
  ),
  row('a packet that fills the tunnel', plain(tcp(MH, { flags: ACK, dataBytes: 1440 }), B)),
  row(
    'neither the transport checksum nor the TCP header length is looked at',
    (() => {
      const packet = tcp(RR);
      packet[32] = 0xf0;
      packet[36] = 0xde;
      return plain(packet);
    })(),
  ),
  row(
    'a SYN with FIN or ACK opens a flow',
    plain(tcp(RR, { flags: SYN | FIN })),
    plain(tcp(RR, { flags: SYN | ACK, sourcePort: 2 }), B),
  ),
  row(
    'record route is filled in with the address that the packet was sent to',
    options('07 07 04 00 00 00 00 01', `07 07 08 ${AT_VIP} 01`),
  ),
  row(
    'the second place of a record route',
    options('07 0b 08 01 02 03 04 00 00 00 00 01', `07 0b 0c 01 02 03 04 ${AT_VIP} 01`),
  ),
  row('a full record route is left alone', options('07 07 08 01 02 03 04 01', '07 07 08 01 02 03 04 01')),
  row('a timestamp alone', options('44 08 05 00 00 00 00 00', `44 08 09 00 ${TIME}`)),
  row(
    'a timestamp with its address',
    options('44 0c 05 01 00 00 00 00 00 00 00 00', `44 0c 0d 01 ${AT_VIP} ${TIME}`),
  ),
  row(
    'a timestamp asked of this address',
    options(`44 0c 05 03 ${AT_VIP} 00 00 00 00`, `44 0c 0d 03 ${AT_VIP} ${TIME}`),
  ),
  row(
    'a timestamp asked of another address',
    options('44 0c 05 03 01 02 03 04 00 00 00 00', '44 0c 05 03 01 02 03 04 00 00 00 00'),
  ),
  row('a full timestamp counts its overflow', options('44 08 09 10 01 02 03 04', '44 08 09 20 01 02 03 04')),
  row('options that ask nothing are carried along', options('94 04 00 00', '94 04 00 00')),
  row('what stands behind the end of options is left alone', options('00 83 83 83', '00 83 83 83')),
  row(
    'source routes are dropped without a word',
    drop(tcp(RR, { ip: { options: bytes('83 07 04 0a 00 01 02 00') } }), 'source-route'),
    drop(tcp(RR, { ip: { options: bytes('01 89 07 04 0a 00 01 02') } }), 'source-route'),
    drop(ipPacket(1, data(20), { options: bytes('83 03 04 00') }), 'source-route'),
  ),
  row(
    'malformed options',
    ...[
      '07 00 00 00',
      '07 ff 04 00',
      '07 07 03 00 00 00 00 00',
      '07 05 04 00 00 00 00 00',
      '44 03 05 00',
      '44 08 05 02 00 00 00 00',
      '44 08 09 f0 01 02 03 04',
      '44 06 05 00 00 00 00 00',
      '01 01 01 07',
    ].map((hex) => drop(tcp(RR, { ip: { options: bytes(hex) } }), 'malformed-ip')),
  ),
  row('known answer: a SYN, byte for byte', forward(bytes(SYN_DF), A, bytes(SYN_DF_OUTER + SYN_DF_INNER))),
];
