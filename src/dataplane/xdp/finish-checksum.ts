import type { TapFrame } from '../../linux/tap.ts';
import { readU16, writeU16 } from '../../net/bytes.ts';
import { internetChecksum } from '../../net/checksum.ts';
import { ETHERNET_HEADER_BYTES, ETHERTYPE } from '../../net/ethernet.ts';
import { isFault } from '../../net/fault.ts';
import { parseIpv4Header } from '../../net/ipv4.ts';

/** Completes in place the transport checksum that checksum offload left to the device. */
export function finishChecksum({ frame, checksum }: TapFrame): void {
  if (checksum === undefined || checksum.at + 2 > frame.length) return;
  // The field holds the sum of the pseudo header already, so it is part of what is summed.
  writeU16(frame, checksum.at, internetChecksum(frame, checksum.start, endOfPacket(frame)) || 0xffff);
}

/** Padding behind a short packet is not covered by its checksum. */
function endOfPacket(frame: Uint8Array): number {
  if (readU16(frame, 12) !== ETHERTYPE.ipv4) return frame.length;
  const header = parseIpv4Header(frame, ETHERNET_HEADER_BYTES);
  return isFault(header) ? frame.length : ETHERNET_HEADER_BYTES + header.totalLength;
}
