import koffi from 'koffi';
import { IPV6_ADDRESS_BYTES } from '../net/ipv6-address.ts';
import { type Descriptor, SOL } from './descriptor.ts';
import { ipv6BytesOf, SOCKADDR_IN6_BYTES } from './socket-address.ts';

const IPPROTO_ICMPV6 = 58;
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
const CONTROL = { length: 0, type: 12, bytes: 16 } as const;
const CONTROL_SPACE = 128;
/** The longest payload that an IPv6 header can tell of. */
const DATA_BYTES = 65_535;

const VECTOR_AT = MESSAGE.bytes;
const NAME_AT = VECTOR_AT + VECTOR.bytes;
const CONTROL_AT = align(NAME_AT + SOCKADDR_IN6_BYTES);
const PACKET_AT = CONTROL_AT + CONTROL_SPACE;
const DATA_AT = PACKET_AT + IPV6_HEADER_BYTES;

/**
 * Reads the ICMPv6 messages of some types from a raw socket, as whole IPv6 packets. Such a socket delivers no IP header,
 * so one is rebuilt of what `recvmsg` tells: addresses and hop limit are true, traffic class and flow label 0, extension
 * headers left out.
 */
export function icmpv6Reader(
  descriptor: Descriptor,
  icmpTypes: readonly number[],
): () => Uint8Array | undefined {
  const unheard = new Uint32Array(ICMPV6_FILTER_WORDS).fill(0xffffffff);
  for (const type of icmpTypes) unheard[type >>> 5] = (unheard[type >>> 5] as number) & ~(1 << (type & 31));
  descriptor.setOption(IPPROTO_ICMPV6, ICMPV6_FILTER, new Uint8Array(unheard.buffer));
  descriptor.setOption(SOL.ipv6, IPV6.receivePacketInfo, 1);
  descriptor.setOption(SOL.ipv6, IPV6.receiveHopLimit, 1);
  const memory = layOut();
  return () => {
    memory.writeUInt32LE(SOCKADDR_IN6_BYTES, MESSAGE.nameLength);
    memory.writeBigUInt64LE(BigInt(CONTROL_SPACE), MESSAGE.controlLength);
    const length = descriptor.receiveMessage(memory);
    return length === undefined ? undefined : rebuild(memory, length);
  };
}

/** The message, what it points to, and room for the packet; an ArrayBuffer of its own does not move. */
function layOut(): Buffer {
  const memory = Buffer.from(new ArrayBuffer(DATA_AT + DATA_BYTES));
  const base = koffi.address(memory);
  memory.writeBigUInt64LE(base + BigInt(NAME_AT), MESSAGE.name);
  memory.writeBigUInt64LE(base + BigInt(VECTOR_AT), MESSAGE.vector);
  memory.writeBigUInt64LE(1n, MESSAGE.vectorLength);
  memory.writeBigUInt64LE(base + BigInt(CONTROL_AT), MESSAGE.control);
  memory.writeBigUInt64LE(base + BigInt(DATA_AT), VECTOR_AT + VECTOR.base);
  memory.writeBigUInt64LE(BigInt(DATA_BYTES), VECTOR_AT + VECTOR.length);
  return memory;
}

function rebuild(memory: Buffer, length: number): Uint8Array {
  const packet = memory.subarray(PACKET_AT, DATA_AT + length);
  packet.fill(0, 0, IPV6_HEADER_BYTES);
  packet.writeUInt8(VERSION, 0);
  packet.writeUInt16BE(length, HEADER.payloadLength);
  packet.writeUInt8(IPPROTO_ICMPV6, HEADER.nextHeader);
  packet.set(ipv6BytesOf(memory.subarray(NAME_AT)), HEADER.source);
  const control = memory.subarray(
    CONTROL_AT,
    CONTROL_AT + Number(memory.readBigUInt64LE(MESSAGE.controlLength)),
  );
  for (const { type, data } of controlMessages(control)) {
    if (type === IPV6.packetInfo) packet.set(data.subarray(0, IPV6_ADDRESS_BYTES), HEADER.destination);
    if (type === IPV6.hopLimit) packet.writeUInt8(data.readInt32LE(0), HEADER.hopLimit);
  }
  return packet;
}

function* controlMessages(control: Buffer): Generator<{ readonly type: number; readonly data: Buffer }> {
  for (let at = 0; at + CONTROL.bytes <= control.length; ) {
    const length = Number(control.readBigUInt64LE(at + CONTROL.length));
    if (length < CONTROL.bytes || at + length > control.length) return;
    yield {
      type: control.readInt32LE(at + CONTROL.type),
      data: control.subarray(at + CONTROL.bytes, at + length),
    };
    at += align(length);
  }
}

function align(length: number): number {
  return (length + 7) & ~7;
}
