// Finishes transport checksums that were left to a device.
import { type IpHeader, isFragment, parseIpHeader } from '../../../forwarding/packets/ip-header.ts';
import type { TapFrame } from '../../../linux/devices/tap.ts';
import { readU16, readU32, writeU16, writeU32 } from '../../../net/bytes.ts';
import { foldChecksum, internetChecksum, pseudoHeaderSum, sumWords } from '../../../net/checksum.ts';
import { isFault } from '../../../net/fault.ts';
import { ETHERTYPE, parseTaggedEthernet } from '../../../net/headers/ethernet.ts';
import { PROTOCOL } from '../../../net/headers/ipv4.ts';
import { sctpChecksum } from '../../../net/headers/sctp.ts';

const CHECKSUM_AT = { [PROTOCOL.tcp]: 16, [PROTOCOL.udp]: 6, [PROTOCOL.sctp]: 8 } as const;
const SCTP_HEADER_BYTES = 12;

/** Completes in place the transport checksum that checksum offload left to the device. */
export function finishChecksum({ frame, checksum }: TapFrame): void {
  if (checksum === undefined || checksum.at + 2 > frame.length) return;
  const { start, at } = checksum;
  const packet = packetIn(frame);
  // Padding behind a short packet is not covered by its checksum.
  const end = packet?.end ?? frame.length;
  if (at - start === CHECKSUM_AT[PROTOCOL.sctp] && packet?.header.protocol === PROTOCOL.sctp) {
    finishSctp(frame, start, end);
    return;
  }
  // The field holds the sum of the pseudo header already, so it is part of what is summed.
  writeU16(frame, at, internetChecksum(frame, start, end) || 0xffff);
}

/**
 * Completes the checksum where nothing says that it is unfinished: the field of TCP or UDP then holds the sum of the pseudo
 * header, that of SCTP nothing. A finished checksum may look the same by chance; it is right then, and stays.
 */
export function finishUnfinished(frame: Uint8Array): void {
  const packet = packetIn(frame);
  if (packet === undefined || isFragment(packet.header)) return;
  const { header, at: packetAt, end } = packet;
  const start = packetAt + header.headerBytes;
  if (header.protocol === PROTOCOL.sctp) {
    const isEmpty =
      start + SCTP_HEADER_BYTES <= end && readU32(frame, start + CHECKSUM_AT[PROTOCOL.sctp]) === 0;
    if (isEmpty) finishSctp(frame, start, end);
  } else if (header.protocol === PROTOCOL.tcp || header.protocol === PROTOCOL.udp) {
    finishInternet(frame, header, { start, end, at: start + CHECKSUM_AT[header.protocol] });
  }
}

/** Completes the checksum of a TCP or UDP packet without a frame. */
export function finishUnfinishedPacket(packet: Uint8Array): void {
  const header = parseIpHeader(packet);
  if (isFault(header) || isFragment(header) || packet.length < header.totalLength) return;
  const { protocol, headerBytes: start, totalLength: end } = header;
  if (protocol !== PROTOCOL.tcp && protocol !== PROTOCOL.udp) return;
  finishInternet(packet, header, { start, end, at: start + CHECKSUM_AT[protocol] });
}

interface Segment {
  readonly start: number;
  readonly end: number;
  /** The offset of the checksum. */
  readonly at: number;
}

function finishInternet(frame: Uint8Array, header: IpHeader, { start, end, at }: Segment): void {
  if (at + 2 > end) return;
  const { source, destination, protocol } = header;
  const pseudo = ~foldChecksum(pseudoHeaderSum(source, destination, protocol, end - start)) & 0xffff;
  if (readU16(frame, at) !== pseudo) return;
  const sum = sumWords(frame, start, end);
  if (foldChecksum(sum + pseudo) === 0) return;
  const checksum = foldChecksum(sum);
  writeU16(frame, at, checksum === 0 && protocol === PROTOCOL.udp ? 0xffff : checksum);
}

function finishSctp(frame: Uint8Array, start: number, end: number): void {
  writeU32(frame, start + CHECKSUM_AT[PROTOCOL.sctp], sctpChecksum(frame, start, end));
}

/** Finds the IP packet in a frame and its end; undefined unless it is sound. */
function packetIn(
  frame: Uint8Array,
): { readonly header: IpHeader; readonly at: number; readonly end: number } | undefined {
  const ethernet = parseTaggedEthernet(frame);
  if (isFault(ethernet)) return undefined;
  const { etherType, headerBytes: at } = ethernet;
  if (etherType !== ETHERTYPE.ipv4 && etherType !== ETHERTYPE.ipv6) return undefined;
  const header = parseIpHeader(frame.subarray(at));
  return isFault(header) ? undefined : { header, at, end: at + header.totalLength };
}
