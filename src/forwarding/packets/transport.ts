// The transport protocols that a service can have, and how their packets open and end flows.
import { readU16 } from '../../net/bytes.ts';
import { PROTOCOL } from '../../net/headers/ipv4.ts';
import { SCTP_CHUNK, SCTP_HEADER_BYTES } from '../../net/headers/sctp.ts';
import { TCP_FLAGS, TCP_HEADER_BYTES } from '../../net/headers/tcp.ts';
import { UDP_HEADER_BYTES } from '../../net/headers/udp.ts';
import type { TransportProtocol } from '../forwarding-table.ts';
import type { FlowSignal } from '../image/flows/flow-state.ts';

const SCTP_CHUNK_HEADER_BYTES = 4;

/** Packets with fewer transport bytes than this are dropped, as by IPVS. */
export const LEAST_TRANSPORT_BYTES: Readonly<Record<TransportProtocol, number>> = {
  tcp: TCP_HEADER_BYTES,
  udp: UDP_HEADER_BYTES,
  // Without the first chunk's header the kind of packet is unknown.
  sctp: SCTP_HEADER_BYTES + SCTP_CHUNK_HEADER_BYTES,
};

const TRANSPORTS: Readonly<Record<number, TransportProtocol>> = {
  [PROTOCOL.tcp]: 'tcp',
  [PROTOCOL.udp]: 'udp',
  [PROTOCOL.sctp]: 'sctp',
};

/** Returns the transport of a protocol number; undefined if no service can have it. */
export function transportOf(protocol: number): TransportProtocol | undefined {
  return TRANSPORTS[protocol];
}

/** The signal of a packet that neither opens a flow nor ends one. */
export const MIDDLE_OF_FLOW: Readonly<Record<TransportProtocol, FlowSignal>> = {
  tcp: { tcpFlags: TCP_FLAGS.ack },
  udp: { tcpFlags: undefined },
  sctp: { tcpFlags: undefined, sctpChunk: SCTP_CHUNK.data },
};

export function tcpSignal(bytes: Uint8Array, at: number): FlowSignal {
  return { tcpFlags: bytes[at + 13] };
}

export function udpSignal(): FlowSignal {
  return { tcpFlags: undefined };
}

/**
 * Returns the signal of an SCTP packet: its first chunk, or an abort that follows a cookie (as in Linux
 * net/netfilter/ipvs/ip_vs_proto_sctp.c).
 */
export function sctpSignal(bytes: Uint8Array, at: number): FlowSignal {
  const firstAt = at + SCTP_HEADER_BYTES;
  const first = bytes[firstAt] as number;
  if (first !== SCTP_CHUNK.cookieEcho && first !== SCTP_CHUNK.cookieAck) {
    return { tcpFlags: undefined, sctpChunk: first };
  }
  const length = readU16(bytes, firstAt + 2);
  const second = length < SCTP_CHUNK_HEADER_BYTES ? undefined : bytes[firstAt + ((length + 3) & ~3)];
  return { tcpFlags: undefined, sctpChunk: second === SCTP_CHUNK.abort ? second : first };
}
