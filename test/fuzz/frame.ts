import { parseIpHeader } from '../../src/forwarding/packets/ip-header.ts';
import { concatBytes } from '../../src/net/bytes.ts';
import { isFault } from '../../src/net/fault.ts';
import { ETHERTYPE, type MacAddress, parseTaggedEthernet } from '../../src/net/headers/ethernet.ts';
import { PROTOCOL } from '../../src/net/headers/ipv4.ts';

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

/** The fast path leaves SCTP to the forwarder. */
export function isSctp(frame: Uint8Array): boolean {
  const ethernet = parseTaggedEthernet(frame);
  const header = isFault(ethernet) ? ethernet : parseIpHeader(frame.subarray(ethernet.headerBytes));
  return !isFault(header) && header.protocol === PROTOCOL.sctp;
}
