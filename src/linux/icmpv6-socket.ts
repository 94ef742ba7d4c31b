import koffi from 'koffi';
import { IPV6_ADDRESS_BYTES } from '../net/ipv6-address.ts';
import { AF } from './address-family.ts';
import { type Descriptor, openSocket, SOCK, SOL } from './descriptor.ts';
import { ipv6BytesOf, SOCKADDR_IN6_BYTES } from './socket-address.ts';

export const IPPROTO_ICMPV6 = 58;
const ICMPV6_FILTER = 1;
const ICMPV6_FILTER_WORDS = 8;
/** include/uapi/linux/in6.h */
const IPV6 = { receivePacketInfo: 49, packetInfo: 50, receiveHopLimit: 51, hopLimit: 52 } as const;

const IPV6_HEADER_BYTES = 40;
const VERSION = 0x60;
const HEADER = { payloadLength: 4, nextHeader: 6, hopLimit: 7, source: 8, destination: 24 } as const;

/** struct msghdr, struct iovec and struct cmsghdr of 64-bit machines */
const MESSAGE = {
  name: 0,
  nameLength: 8,
  vector: 16,
  vectorLength: 24,
  control: 32,
  controlLength: 40,
  bytes: 56,
};
const VECTOR = { base: 0, length: 8, bytes: 16 } as const;
const CONTROL = { length: 0, level: 8, type: 12, bytes: 16 } as const;
const CONTROL_SPACE = 128;
const DATA_BYTES = 65_536;

const VECTOR_AT = MESSAGE.bytes;
const NAME_AT = VECTOR_AT + VECTOR.bytes;
const CONTROL_AT = align(NAME_AT + SOCKADDR_IN6_BYTES);
const PACKET_AT = CONTROL_AT + CONTROL_SPACE;
const DATA_AT = PACKET_AT + IPV6_HEADER_BYTES;

/** Makes a raw ICMPv6 socket ready for `Icmpv6Reader`: of these types only, with what `recvmsg` tells of each message. */
export function prepareIcmpv6(descriptor: Descriptor, icmpTypes: readonly number[]): void {
  const unheard = new Uint32Array(ICMPV6_FILTER_WORDS).fill(0xffffffff);
  for (const type of icmpTypes) unheard[type >>> 5] = (unheard[type >>> 5] as number) & ~(1 << (type & 31));
  descriptor.setOption(IPPROTO_ICMPV6, ICMPV6_FILTER, new Uint8Array(unheard.buffer));
  descriptor.setOption(SOL.ipv6, IPV6.receivePacketInfo, 1);
  descriptor.setOption(SOL.ipv6, IPV6.receiveHopLimit, 1);
}

export function openIcmpv6(icmpTypes: readonly number[]): Descriptor {
  const kind = { domain: AF.inet6, type: SOCK.raw, protocol: IPPROTO_ICMPV6 };
  const descriptor = openSocket('ICMPv6 socket', kind);
  try {
    prepareIcmpv6(descriptor, icmpTypes);
    return descriptor;
  } catch (error) {
    descriptor.close();
    throw error;
  }
}

/**
 * Reads ICMPv6 messages as whole IPv6 packets. A raw IPv6 socket delivers no IP header, so one is rebuilt of what
 * `recvmsg` tells: addresses and hop limit are true, traffic class and flow label 0, extension headers left out.
 */
export class Icmpv6Reader {
  readonly #descriptor: Descriptor;
  readonly #memory: Buffer;

  constructor(descriptor: Descriptor) {
    this.#descriptor = descriptor;
    // Of an ArrayBuffer of its own, which does not move: the kernel is given addresses in it.
    const memory = new ArrayBuffer(DATA_AT + DATA_BYTES);
    this.#memory = Buffer.from(memory);
    const base = koffi.address(this.#memory);
    this.#memory.writeBigUInt64LE(base + BigInt(NAME_AT), MESSAGE.name);
    this.#memory.writeBigUInt64LE(base + BigInt(VECTOR_AT), MESSAGE.vector);
    this.#memory.writeBigUInt64LE(1n, MESSAGE.vectorLength);
    this.#memory.writeBigUInt64LE(base + BigInt(CONTROL_AT), MESSAGE.control);
    this.#memory.writeBigUInt64LE(base + BigInt(DATA_AT), VECTOR_AT + VECTOR.base);
    this.#memory.writeBigUInt64LE(BigInt(DATA_BYTES), VECTOR_AT + VECTOR.length);
  }

  /** Valid until the next call; undefined when there is none now. */
  receive(): Uint8Array | undefined {
    const memory = this.#memory;
    memory.writeUInt32LE(SOCKADDR_IN6_BYTES, MESSAGE.nameLength);
    memory.writeBigUInt64LE(BigInt(CONTROL_SPACE), MESSAGE.controlLength);
    const length = this.#descriptor.receiveMessage(memory);
    if (length === undefined) return undefined;
    const packet = memory.subarray(PACKET_AT, DATA_AT + length);
    packet.fill(0, 0, IPV6_HEADER_BYTES);
    packet.writeUInt8(VERSION, 0);
    packet.writeUInt16BE(Math.min(length, 0xffff), HEADER.payloadLength);
    packet.writeUInt8(IPPROTO_ICMPV6, HEADER.nextHeader);
    packet.set(ipv6BytesOf(memory.subarray(NAME_AT)), HEADER.source);
    this.#readControl(packet);
    return packet;
  }

  #readControl(packet: Buffer): void {
    const end = CONTROL_AT + Number(this.#memory.readBigUInt64LE(MESSAGE.controlLength));
    for (let at = CONTROL_AT; at + CONTROL.bytes <= end; ) {
      const length = Number(this.#memory.readBigUInt64LE(at + CONTROL.length));
      if (length < CONTROL.bytes || at + length > end) return;
      const type = this.#memory.readInt32LE(at + CONTROL.type);
      const data = this.#memory.subarray(at + CONTROL.bytes, at + length);
      if (type === IPV6.packetInfo) packet.set(data.subarray(0, IPV6_ADDRESS_BYTES), HEADER.destination);
      if (type === IPV6.hopLimit) packet.writeUInt8(data.readInt32LE(0), HEADER.hopLimit);
      at += align(length);
    }
  }
}

function align(length: number): number {
  return (length + 7) & ~7;
}
