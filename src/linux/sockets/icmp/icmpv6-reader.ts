// Reads ICMPv6 messages with their addresses.
import { IPV6_ADDRESS_BYTES } from '../../../net/address/ipv6-address.ts';
import { writeU16 } from '../../../net/bytes.ts';
import { type Descriptor, SOL } from '../../process/descriptor.ts';
import { MessageBuffer } from '../message-buffer.ts';
import { ipv6BytesOf } from '../socket-address.ts';

const IPPROTO_ICMPV6 = 58;
const ICMPV6_FILTER = 1;
const ICMPV6_FILTER_WORDS = 8;
/** include/uapi/linux/in6.h */
const IPV6 = { receivePacketInfo: 49, packetInfo: 50, receiveHopLimit: 51, hopLimit: 52 } as const;

const IPV6_HEADER_BYTES = 40;
const VERSION = 0x60;
const HEADER = { payloadLength: 4, nextHeader: 6, hopLimit: 7, source: 8, destination: 24 } as const;

/** The longest payload that an IPv6 header can tell of. */
const DATA_BYTES = 65_535;

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
  const message = new MessageBuffer({ dataBytes: DATA_BYTES, headroomBytes: IPV6_HEADER_BYTES });
  return () => {
    const length = message.receive(descriptor);
    return length === undefined ? undefined : rebuild(message, length);
  };
}

function rebuild(message: MessageBuffer, length: number): Uint8Array {
  const packet = message.withHeadroom(length);
  packet.fill(0, 0, IPV6_HEADER_BYTES);
  packet[0] = VERSION;
  writeU16(packet, HEADER.payloadLength, length);
  packet[HEADER.nextHeader] = IPPROTO_ICMPV6;
  packet.set(ipv6BytesOf(message.name), HEADER.source);
  for (const { level, type, data } of message.controlMessages()) {
    if (level !== SOL.ipv6) continue;
    if (type === IPV6.packetInfo) packet.set(data.subarray(0, IPV6_ADDRESS_BYTES), HEADER.destination);
    if (type === IPV6.hopLimit) packet[HEADER.hopLimit] = data.readInt32LE(0);
  }
  return packet;
}
