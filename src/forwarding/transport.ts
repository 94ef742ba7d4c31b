import { PROTOCOL } from '../net/ipv4.ts';
import { TCP_HEADER_BYTES } from '../net/tcp.ts';
import { UDP_HEADER_BYTES } from '../net/udp.ts';
import type { TransportProtocol } from './table.ts';

/** The common header and that of the first chunk, without which nothing tells what the packet is (RFC 9260, section 3). */
export const SCTP_LEAST_BYTES = 16;

/** Fewer bytes than these are dropped, as by IPVS. */
export const LEAST_TRANSPORT_BYTES: Readonly<Record<TransportProtocol, number>> = {
  tcp: TCP_HEADER_BYTES,
  udp: UDP_HEADER_BYTES,
  sctp: SCTP_LEAST_BYTES,
};

const TRANSPORTS: Readonly<Record<number, TransportProtocol>> = {
  [PROTOCOL.tcp]: 'tcp',
  [PROTOCOL.udp]: 'udp',
  [PROTOCOL.sctp]: 'sctp',
};

/** The protocol that a service can have; undefined of all others. */
export function transportOf(protocol: number): TransportProtocol | undefined {
  return TRANSPORTS[protocol];
}
