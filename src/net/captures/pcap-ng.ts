// Capture files in the pcapng format.
import { CulvertError } from '../../errors.ts';
import type { CapturedPacket } from './captured-packet.ts';

/** Type of the section header block; the same bytes in either order. */
export const PCAPNG_MAGIC = 0x0a0d0d0a;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const BLOCK = { interface: 1, simplePacket: 3, enhancedPacket: 6 } as const;
const OPTION = { end: 0, timeResolution: 9, timeOffset: 14 } as const;
const SMALLEST_BLOCK_BYTES = 12;
const SMALLEST_BODY_BYTES: Readonly<Record<number, number>> = {
  [PCAPNG_MAGIC]: 16,
  [BLOCK.interface]: 8,
  [BLOCK.simplePacket]: 4,
  [BLOCK.enhancedPacket]: 20,
};

interface CaptureInterface {
  readonly linkType: number;
  readonly snapLength: number;
  readonly unitsPerSecond: bigint;
  readonly offsetSeconds: bigint;
}

interface Reader {
  readonly view: DataView;
  readonly name: string;
  littleEndian: boolean;
  interfaces: CaptureInterface[];
  readonly packets: CapturedPacket[];
}

/**
 * Reads the blocks of draft-ietf-opsawg-pcapng that Wireshark, dumpcap and tcpdump write; others are skipped.
 * @throws CulvertError CAPTURE_INVALID
 */
export function readPcapng(view: DataView, name: string): CapturedPacket[] {
  const reader: Reader = { view, name, littleEndian: true, interfaces: [], packets: [] };
  let at = 0;
  while (at + SMALLEST_BLOCK_BYTES <= view.byteLength) {
    if (view.getUint32(at, true) === PCAPNG_MAGIC) beginSection(reader, at);
    const type = view.getUint32(at, reader.littleEndian);
    const length = view.getUint32(at + 4, reader.littleEndian);
    const smallest = SMALLEST_BLOCK_BYTES + (SMALLEST_BODY_BYTES[type] ?? 0);
    if (length < smallest || length % 4 !== 0) throw broken(reader, at, `a block of ${length} bytes`);
    if (at + length > view.byteLength) break;
    readBlock(reader, type, { from: at + 8, to: at + length - 4 });
    at += length;
  }
  return reader.packets;
}

interface Body {
  readonly from: number;
  readonly to: number;
}

function beginSection(reader: Reader, at: number): void {
  reader.littleEndian = reader.view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC;
  if (!reader.littleEndian && reader.view.getUint32(at + 8, false) !== BYTE_ORDER_MAGIC) {
    throw broken(reader, at, 'no byte-order magic');
  }
  reader.interfaces = [];
}

function readBlock(reader: Reader, type: number, body: Body): void {
  if (type === BLOCK.interface) reader.interfaces.push(readInterface(reader, body));
  if (type === BLOCK.enhancedPacket) reader.packets.push(readEnhancedPacket(reader, body));
  if (type === BLOCK.simplePacket) reader.packets.push(readSimplePacket(reader, body));
}

function readInterface(reader: Reader, body: Body): CaptureInterface {
  const { view, littleEndian } = reader;
  let unitsPerSecond = 1_000_000n;
  let offsetSeconds = 0n;
  let at = body.from + 8;
  while (at + 4 <= body.to) {
    const code = view.getUint16(at, littleEndian);
    const length = view.getUint16(at + 2, littleEndian);
    if (code === OPTION.end || at + 4 + length > body.to) break;
    if (code === OPTION.timeResolution && length === 1) {
      const resolution = view.getUint8(at + 4);
      unitsPerSecond =
        (resolution & 0x80) === 0 ? 10n ** BigInt(resolution) : 2n ** BigInt(resolution & 0x7f);
    }
    if (code === OPTION.timeOffset && length === 8) offsetSeconds = view.getBigInt64(at + 4, littleEndian);
    at += 4 + ((length + 3) & ~3);
  }
  return {
    linkType: view.getUint16(body.from, littleEndian),
    snapLength: view.getUint32(body.from + 4, littleEndian),
    unitsPerSecond,
    offsetSeconds,
  };
}

function readEnhancedPacket(reader: Reader, body: Body): CapturedPacket {
  const { view, littleEndian } = reader;
  const captureInterface = interfaceAt(reader, view.getUint32(body.from, littleEndian), body);
  const units =
    (BigInt(view.getUint32(body.from + 4, littleEndian)) << 32n) |
    BigInt(view.getUint32(body.from + 8, littleEndian));
  return {
    linkType: captureInterface.linkType,
    timeNs:
      (units * 1_000_000_000n) / captureInterface.unitsPerSecond +
      captureInterface.offsetSeconds * 1_000_000_000n,
    bytes: packetBytes(reader, body, body.from + 20, view.getUint32(body.from + 12, littleEndian)),
    originalLength: view.getUint32(body.from + 16, littleEndian),
  };
}

function readSimplePacket(reader: Reader, body: Body): CapturedPacket {
  const captureInterface = interfaceAt(reader, 0, body);
  const originalLength = reader.view.getUint32(body.from, reader.littleEndian);
  const limit = captureInterface.snapLength === 0 ? originalLength : captureInterface.snapLength;
  return {
    linkType: captureInterface.linkType,
    timeNs: 0n,
    bytes: packetBytes(reader, body, body.from + 4, Math.min(originalLength, limit)),
    originalLength,
  };
}

function interfaceAt(reader: Reader, index: number, body: Body): CaptureInterface {
  const captureInterface = reader.interfaces[index];
  if (captureInterface === undefined) throw broken(reader, body.from, `no interface ${index}`);
  return captureInterface;
}

function packetBytes(reader: Reader, body: Body, at: number, length: number): Uint8Array {
  if (at + length > body.to) throw broken(reader, body.from, `a packet of ${length} bytes beyond its block`);
  return new Uint8Array(reader.view.buffer, reader.view.byteOffset + at, length);
}

function broken(reader: Reader, at: number, what: string): CulvertError {
  return new CulvertError('CAPTURE_INVALID', `${what} at offset ${at}; the file is damaged`, {
    where: reader.name,
  });
}
