import { concatBytes } from '../../src/net/bytes.ts';
import { ETHERTYPE, type MacAddress } from '../../src/net/ethernet.ts';

/** What stands before an IP packet on the wire. */
export interface Link {
  readonly destination: MacAddress;
  readonly source: MacAddress;
  /** 802.1Q tag control information: the ID in the low 12 bits. */
  readonly tag?: number | undefined;
}

/** The packet in a frame, whose type is that of the packet's family. */
export function frameOf({ destination, source, tag }: Link, packet: Uint8Array): Uint8Array {
  const etherType = isIpv6Packet(packet) ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4;
  const types = tag === undefined ? [etherType] : [ETHERTYPE.vlan, tag, etherType];
  return concatBytes(
    destination,
    source,
    Uint8Array.from(types.flatMap((type) => [type >> 8, type])),
    packet,
  );
}

export function isIpv6Packet(packet: Uint8Array): boolean {
  return (packet[0] ?? 0) >> 4 === 6;
}
