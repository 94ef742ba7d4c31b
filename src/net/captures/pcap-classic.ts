// Capture files in the classic pcap format.
import { CulvertError } from '../../errors.ts';
import type { CapturedPacket } from './captured-packet.ts';

const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;
const MICROSECONDS_SWAPPED = 0xd4c3b2a1;
const NANOSECONDS_SWAPPED = 0x4d3cb2a1;

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
/** More than any capture program writes for one packet (wiretap's limit); a longer record means a broken file. */
export const MAX_PACKET_BYTES = 262_144;

/** First words of a pcap file, read as little-endian. */
export const PCAP_MAGIC: ReadonlySet<number> = new Set([
  MICROSECONDS,
  NANOSECONDS,
  MICROSECONDS_SWAPPED,
  NANOSECONDS_SWAPPED,
]);

/** Reads the format of draft-ietf-opsawg-pcap. @throws CulvertError CAPTURE_INVALID */
export function readClassicPcap(view: DataView, name: string): CapturedPacket[] {
  if (view.byteLength < FILE_HEADER_BYTES) {
    throw new CulvertError('CAPTURE_INVALID', 'the pcap file ends within its header', { where: name });
  }
  const magic = view.getUint32(0, true);
  const littleEndian = magic === MICROSECONDS || magic === NANOSECONDS;
  const fractionNs = magic === NANOSECONDS || magic === NANOSECONDS_SWAPPED ? 1n : 1000n;
  // The upper bits carry the length of a frame check sequence.
  const linkType = view.getUint32(20, littleEndian) & 0xffff;
  const packets: CapturedPacket[] = [];
  let at = FILE_HEADER_BYTES;
  while (at + RECORD_HEADER_BYTES <= view.byteLength) {
    const captured = view.getUint32(at + 8, littleEndian);
    if (captured > MAX_PACKET_BYTES) {
      throw new CulvertError(
        'CAPTURE_INVALID',
        `a packet of ${captured} bytes at offset ${at}; the file is damaged`,
        {
          where: name,
        },
      );
    }
    const end = at + RECORD_HEADER_BYTES + captured;
    if (end > view.byteLength) break;
    packets.push({
      linkType,
      timeNs:
        BigInt(view.getUint32(at, littleEndian)) * 1_000_000_000n +
        BigInt(view.getUint32(at + 4, littleEndian)) * fractionNs,
      bytes: new Uint8Array(view.buffer, view.byteOffset + at + RECORD_HEADER_BYTES, captured),
      originalLength: view.getUint32(at + 12, littleEndian),
    });
    at = end;
  }
  return packets;
}

/** A pcap file with nanosecond times. All packets must be of one link type. */
export function writePcap(packets: readonly CapturedPacket[], linkType: number): Uint8Array {
  const length = packets.reduce(
    (sum, packet) => sum + RECORD_HEADER_BYTES + packet.bytes.length,
    FILE_HEADER_BYTES,
  );
  const file = new Uint8Array(length);
  const view = new DataView(file.buffer);
  view.setUint32(0, NANOSECONDS, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, MAX_PACKET_BYTES, true);
  view.setUint32(20, linkType, true);
  let at = FILE_HEADER_BYTES;
  for (const packet of packets) {
    view.setUint32(at, Number(packet.timeNs / 1_000_000_000n), true);
    view.setUint32(at + 4, Number(packet.timeNs % 1_000_000_000n), true);
    view.setUint32(at + 8, packet.bytes.length, true);
    view.setUint32(at + 12, packet.originalLength, true);
    file.set(packet.bytes, at + RECORD_HEADER_BYTES);
    at += RECORD_HEADER_BYTES + packet.bytes.length;
  }
  return file;
}
