import { readU16, readU32, writeU16 } from '../../../src/net/bytes.ts';
import { updateChecksum } from '../../../src/net/checksum.ts';
import { ETHERNET_HEADER_BYTES, ETHERTYPE, parseEthernet } from '../../../src/net/ethernet.ts';
import {
  IPV4_AT,
  type Ipv4Header,
  ipv4ChecksumIsGood,
  PROTOCOL,
  parseIpv4Header,
} from '../../../src/net/ipv4.ts';
import type { Ipv4Address } from '../../../src/net/ipv4-address.ts';

/**
 * What should become of one frame, said in another language than the program's: the frame that goes up, or `drop`.
 * Undefined for outer fragments, whose fate depends on those before.
 */
export function expectedOutcome(
  data: Uint8Array,
  accepts: { readonly vips: readonly Ipv4Address[]; readonly directors: readonly Ipv4Address[] },
): Uint8Array | 'drop' | undefined {
  const outer = outerHeader(data);
  if (outer === undefined) return data;
  if (outer.moreFragments || outer.fragmentOffsetBytes > 0) return undefined;
  const packet = data.subarray(ETHERNET_HEADER_BYTES);
  const inner = packet.slice(outer.headerBytes, outer.totalLength);
  if (inner.length < 20) return data;
  if (!accepts.vips.includes(readU32(inner, IPV4_AT.destination) as Ipv4Address)) return data;
  if (!accepts.directors.includes(outer.source)) return 'drop';
  const header = parseIpv4Header(inner);
  // A header that ends beyond the packet is found by its total length, which must cover it.
  if (typeof header === 'string') return 'drop';
  const tos = afterTunnel(outer.tos, header.tos);
  if (tos === undefined) return 'drop';
  setTos(inner, tos);
  const padding = packet.subarray(outer.totalLength);
  return Buffer.concat([data.subarray(0, ETHERNET_HEADER_BYTES), inner, padding]);
}

/** Of a sound tunnel packet; undefined for anything else, which is the stack's. */
function outerHeader(data: Uint8Array): Ipv4Header | undefined {
  const ethernet = parseEthernet(data);
  if (typeof ethernet === 'string' || ethernet.etherType !== ETHERTYPE.ipv4) return undefined;
  const packet = data.subarray(ETHERNET_HEADER_BYTES);
  const header = parseIpv4Header(packet);
  if (typeof header === 'string' || header.protocol !== PROTOCOL.ipip) return undefined;
  if (!ipv4ChecksumIsGood(packet, 0, header.headerBytes) || header.totalLength === header.headerBytes) {
    return undefined;
  }
  return header;
}

/** RFC 6040, section 4.2. */
function afterTunnel(outer: number, inner: number): number | undefined {
  const [o, i] = [outer & 3, inner & 3];
  if (i === 0) return o === 3 ? undefined : inner;
  if (i === 3 || o === 0 || o === 2) return inner;
  return (inner & ~3) | o;
}

function setTos(packet: Uint8Array, tos: number): void {
  const before = readU16(packet, 0);
  packet[IPV4_AT.tos] = tos;
  const after = readU16(packet, 0);
  if (after === before) return;
  writeU16(packet, IPV4_AT.checksum, updateChecksum(readU16(packet, IPV4_AT.checksum), before, after));
}
