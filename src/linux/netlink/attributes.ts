// The attributes of netlink messages.
import { type IpAddress, ipFromBytes } from '../../net/address/ip-address.ts';

/** A netlink attribute; a list of them as value is a nested one. */
export type Attribute = readonly [type: number, value: Uint8Array | readonly Attribute[]];

const HEADER_BYTES = 4;
const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;

export function encodeAttributes(attributes: readonly Attribute[]): Uint8Array {
  return Buffer.concat(attributes.map(encodeAttribute));
}

function encodeAttribute([type, value]: Attribute): Uint8Array {
  const nested = !(value instanceof Uint8Array);
  const payload = nested ? encodeAttributes(value) : value;
  const bytes = Buffer.alloc(align(HEADER_BYTES + payload.length));
  bytes.writeUInt16LE(HEADER_BYTES + payload.length, 0);
  bytes.writeUInt16LE(nested ? type | NESTED : type, 2);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** The attributes from `at` to the end by type, of each type the last; a length that does not fit ends the list. */
export function decodeAttributes(bytes: Uint8Array, at = 0): Map<number, Buffer> {
  return new Map(listAttributes(bytes, at));
}

/** Decodes attributes in their order, where several of a type may occur; see `decodeAttributes`. */
export function listAttributes(bytes: Uint8Array, from = 0): (readonly [type: number, value: Buffer])[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: (readonly [number, Buffer])[] = [];
  for (let at = from; at + HEADER_BYTES <= view.length; ) {
    const length = view.readUInt16LE(at);
    if (length < HEADER_BYTES || at + length > view.length) break;
    found.push([view.readUInt16LE(at + 2) & TYPE_MASK, view.subarray(at + HEADER_BYTES, at + length)]);
    at += align(length);
  }
  return found;
}

export function align(length: number): number {
  return (length + 3) & ~3;
}

export function text(value: string): Uint8Array {
  return Buffer.from(`${value}\0`);
}

export function readText(value: Buffer | undefined): string | undefined {
  if (value === undefined) return undefined;
  const end = value.indexOf(0);
  return value.toString('utf8', 0, end < 0 ? value.length : end);
}

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

export function u16(value: number): Uint8Array {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

/** Encodes 16 bits in network order, as ports are. */
export function be16(value: number): Uint8Array {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

export function readNumber(value: Buffer | undefined): number | undefined {
  return value?.length === 4 ? value.readUInt32LE(0) : undefined;
}

/** Reads an address; undefined when it is missing or of neither IP family. */
export function readAddress(value: Buffer | undefined): IpAddress | undefined {
  return value === undefined ? undefined : ipFromBytes(value);
}
