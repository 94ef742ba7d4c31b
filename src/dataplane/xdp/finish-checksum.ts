import type { TapFrame } from '../../linux/tap.ts';
import { readU16, writeU16 } from '../../net/bytes.ts';
import { internetChecksum } from '../../net/checksum.ts';
import { ETHERNET_HEADER_BYTES, ETHERTYPE } from '../../net/ethernet.ts';
import { isFault } from '../../net/fault.ts';
import { parseIpv4Header } from '../../net/ipv4.ts';
import { parseIpv6Header } from '../../net/ipv6.ts';

const ETHERTYPE_AT = 12;
const VLAN_TAG_BYTES = 4;

/** Completes in place the transport checksum that checksum offload left to the device. */
export function finishChecksum({ frame, checksum }: TapFrame): void {
  if (checksum === undefined || checksum.at + 2 > frame.length) return;
  // The field holds the sum of the pseudo header already, so it is part of what is summed.
  writeU16(frame, checksum.at, internetChecksum(frame, checksum.start, endOfPacket(frame)) || 0xffff);
}

/** Padding behind a short packet is not covered by its checksum. */
function endOfPacket(frame: Uint8Array): number {
  const tagBytes = readU16(frame, ETHERTYPE_AT) === ETHERTYPE.vlan ? VLAN_TAG_BYTES : 0;
  const packetAt = ETHERNET_HEADER_BYTES + tagBytes;
  if (frame.length < packetAt) return frame.length;
  const header = headerOf(frame, readU16(frame, ETHERTYPE_AT + tagBytes), packetAt);
  return header === undefined || isFault(header) ? frame.length : packetAt + header.totalLength;
}

function headerOf(frame: Uint8Array, etherType: number, at: number) {
  if (etherType === ETHERTYPE.ipv4) return parseIpv4Header(frame, at);
  return etherType === ETHERTYPE.ipv6 ? parseIpv6Header(frame, at) : undefined;
}
