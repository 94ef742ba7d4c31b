import type { Ipv4Address } from '../../../../../src/net/address/ipv4-address.ts';
import { data, mangled, tcp, udp } from '../packets.ts';
import { drop, type PacketRow, pass, row } from '../row.ts';

const RR = 81;
const ELSEWHERE = 0xc000020b as Ipv4Address;
const SYN = tcp(RR);

/** Version and header length, which the checksum helper goes by. */
function firstByte(value: number): Uint8Array {
  const packet = SYN.slice();
  packet[0] = value;
  return packet;
}

export const MALFORMED_ROWS: readonly PacketRow[] = [
  row('another IP version', drop(firstByte(0x75), 'malformed-ip'), drop(firstByte(0x05), 'malformed-ip')),
  row(
    'a header of less than 20 bytes',
    ...[0x40, 0x41, 0x44].map((value) => drop(firstByte(value), 'malformed-ip')),
  ),
  row('a header that goes beyond the packet', drop(firstByte(0x4f), 'malformed-ip')),
  row(
    'a total length beyond the packet',
    drop(mangled(SYN, 2, 41), 'malformed-ip'),
    drop(mangled(SYN, 2, 65535), 'malformed-ip'),
  ),
  row(
    'a total length under the header',
    ...[0, 19].map((length) => drop(mangled(SYN, 2, length), 'malformed-ip')),
  ),
  row(
    'cut off behind its IP header',
    drop(SYN.subarray(0, 20), 'malformed-ip'),
    drop(SYN.subarray(0, 39), 'malformed-ip'),
  ),
  row(
    'a total length that leaves no TCP',
    drop(mangled(SYN, 2, 20), 'truncated-transport'),
    drop(mangled(SYN, 2, 39), 'truncated-transport'),
  ),
  row(
    'a wrong header checksum',
    drop(mangled(SYN, 10, 0x1234, false), 'bad-ip-checksum'),
    drop(mangled(udp(53), 4, 1, false), 'bad-ip-checksum'),
  ),
  row(
    'not to a VIP',
    pass(tcp(RR, { ip: { destination: ELSEWHERE } })),
    pass(mangled(tcp(RR, { ip: { destination: ELSEWHERE } }), 10, 1, false)),
  ),
  row(
    'too short to say where to',
    pass(SYN.subarray(0, 19)),
    pass(SYN.subarray(0, 1)),
    pass(new Uint8Array(0)),
    pass(data(16)),
  ),
];
