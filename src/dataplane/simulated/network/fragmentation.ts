// Cuts IPv4 packets into fragments, and puts them together again.
import { readU16, writeU16 } from '../../../net/bytes.ts';
import { IPV4_AT, type Ipv4Header, writeIpv4Checksum } from '../../../net/headers/ipv4.ts';

const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;
const REASSEMBLY_TIMEOUT_MS = 30_000;

/** The packet in fragments that fit the MTU (RFC 791); options go with each of them. A fragment may be cut up again. */
export function fragmentIpv4(packet: Uint8Array, header: Ipv4Header, mtuBytes: number): Uint8Array[] {
  const step = (mtuBytes - header.headerBytes) & ~7;
  const payload = packet.subarray(header.headerBytes, header.totalLength);
  const fragments: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += step) {
    const piece = payload.subarray(at, at + step);
    const fragment = new Uint8Array(header.headerBytes + piece.length);
    fragment.set(packet.subarray(0, header.headerBytes));
    fragment.set(piece, header.headerBytes);
    const more = header.moreFragments || at + step < payload.length;
    writeU16(fragment, IPV4_AT.totalLength, fragment.length);
    writeU16(
      fragment,
      IPV4_AT.flags,
      (more ? MORE_FRAGMENTS : 0) | ((header.fragmentOffsetBytes + at) >>> 3),
    );
    writeIpv4Checksum(fragment, 0, header.headerBytes);
    fragments.push(fragment);
  }
  return fragments;
}

interface Datagram {
  readonly expiresMs: number;
  readonly pieces: Map<number, Uint8Array>;
  firstHeader: Uint8Array | undefined;
  /** The length of the payload, known from the last fragment. */
  length: number | undefined;
}

/** Puts fragments together again. */
export class Reassembly {
  readonly #datagrams = new Map<string, Datagram>();

  /** Returns the whole packet once its last missing fragment has arrived. */
  add(packet: Uint8Array, header: Ipv4Header, nowMs: number): Uint8Array | undefined {
    const key = `${header.source} ${header.destination} ${header.id} ${header.protocol}`;
    const datagram = this.#find(key, nowMs);
    const payload = packet.subarray(header.headerBytes, header.totalLength);
    datagram.pieces.set(header.fragmentOffsetBytes, payload);
    if (header.fragmentOffsetBytes === 0) datagram.firstHeader = packet.subarray(0, header.headerBytes);
    if (!header.moreFragments) datagram.length = header.fragmentOffsetBytes + payload.length;
    const whole = join(datagram);
    if (whole !== undefined) this.#datagrams.delete(key);
    return whole;
  }

  #find(key: string, nowMs: number): Datagram {
    for (const [old, { expiresMs }] of this.#datagrams) {
      if (expiresMs > nowMs) break;
      this.#datagrams.delete(old);
    }
    const known = this.#datagrams.get(key);
    if (known !== undefined) return known;
    const datagram: Datagram = {
      expiresMs: nowMs + REASSEMBLY_TIMEOUT_MS,
      pieces: new Map(),
      firstHeader: undefined,
      length: undefined,
    };
    this.#datagrams.set(key, datagram);
    return datagram;
  }
}

function join({ pieces, firstHeader, length }: Datagram): Uint8Array | undefined {
  if (firstHeader === undefined || length === undefined) return undefined;
  const packet = new Uint8Array(firstHeader.length + length);
  packet.set(firstHeader);
  let covered = 0;
  for (const [offset, piece] of [...pieces].sort(([a], [b]) => a - b)) {
    if (offset > covered || offset + piece.length > length) return undefined;
    packet.set(piece, firstHeader.length + offset);
    covered = Math.max(covered, offset + piece.length);
  }
  if (covered < length) return undefined;
  writeU16(packet, IPV4_AT.totalLength, packet.length);
  writeU16(packet, IPV4_AT.flags, readU16(packet, IPV4_AT.flags) & ~(MORE_FRAGMENTS | OFFSET_MASK));
  writeIpv4Checksum(packet, 0, firstHeader.length);
  return packet;
}
