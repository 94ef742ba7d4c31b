import { writeU16 } from '../net/bytes.ts';
import { internetChecksum } from '../net/checksum.ts';
import { buildIcmp, ICMP_TYPE } from '../net/icmp.ts';
import { buildIpv4, type Ipv4Header, PROTOCOL } from '../net/ipv4.ts';
import type { Ipv4Address } from '../net/ipv4-address.ts';
import { buildTcp, TCP_FLAGS, type TcpHeader } from '../net/tcp.ts';

/** RFC 1812, section 4.3.2.3: as much of the packet as fits 576 bytes in all. */
export const QUOTE_BYTES = 548;
/** RFC 1812, section 4.3.2.5: precedence 6, internetwork control. */
const ICMP_ERROR_TOS = 0xc0;

export interface IcmpError {
  readonly type: number;
  readonly code: number;
  /** The second word. */
  readonly rest?: number;
  /** The packet that the error is about; as much as fits is quoted. */
  readonly about: Uint8Array;
  readonly id: number;
}

/** An ICMP error about a packet, from the address that the packet was sent to. */
export function buildIcmpError(header: Ipv4Header, error: IcmpError): Uint8Array {
  const { type, code, rest = 0, about, id } = error;
  const message = buildIcmp({ type, code, rest, payload: about.subarray(0, QUOTE_BYTES) });
  const addresses = { source: header.destination, destination: header.source };
  return buildIpv4({ ...addresses, protocol: PROTOCOL.icmp, tos: ICMP_ERROR_TOS, id }, message);
}

/** The reply to an echo request: the same data (RFC 792), IP options left out. */
export function buildEchoReply(packet: Uint8Array, header: Ipv4Header, id: number): Uint8Array {
  const message = packet.slice(header.headerBytes);
  message[0] = ICMP_TYPE.echoReply;
  writeU16(message, 2, 0);
  writeU16(message, 2, internetChecksum(message, 0, message.length));
  return buildIpv4(
    { source: header.destination, destination: header.source, protocol: PROTOCOL.icmp, tos: header.tos, id },
    message,
  );
}

/** The reset that RFC 9293, section 3.10.7.1 has a closed port send; DF and ID 0, as Linux sends it. */
export function buildReset(packet: Uint8Array, header: Ipv4Header, tcp: TcpHeader): Uint8Array {
  const { source: client, destination: vip } = header;
  const dataBytes = packet.length - header.headerBytes - tcp.headerBytes;
  const controls = (tcp.flags & TCP_FLAGS.syn ? 1 : 0) + (tcp.flags & TCP_FLAGS.fin ? 1 : 0);
  const acknowledges = (tcp.flags & TCP_FLAGS.ack) !== 0;
  const numbers = acknowledges
    ? { sequence: tcp.acknowledgment, flags: TCP_FLAGS.rst }
    : {
        acknowledgment: (tcp.sequence + dataBytes + controls) >>> 0,
        flags: TCP_FLAGS.rst | TCP_FLAGS.ack,
      };
  const segment = buildTcp({
    source: vip,
    destination: client,
    sourcePort: tcp.destinationPort,
    destinationPort: tcp.sourcePort,
    window: 0,
    ...numbers,
  });
  return buildIpv4(
    { source: vip, destination: client, protocol: PROTOCOL.tcp, tos: header.tos, dontFragment: true },
    segment,
  );
}

/** Whether an answer to this source could reach a client: unspecified, loopback, multicast and reserved could not. */
export function isAnswerable(source: Ipv4Address): boolean {
  const network = source >>> 24;
  return network !== 0 && network !== 127 && network < 224;
}
