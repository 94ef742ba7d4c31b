import { readU16 } from '../net/bytes.ts';
import { isFault } from '../net/fault.ts';
import { type Ipv4Header, PROTOCOL, parseQuotedIpv4Header } from '../net/ipv4.ts';
import type { Ipv4Address } from '../net/ipv4-address.ts';
import { TCP_FLAGS } from '../net/tcp.ts';
import type { ForwardingImage, RealEntry, ServiceEntry } from './image/forwarding-image.ts';
import { previewReal } from './image/select-real.ts';
import type { TransportProtocol } from './table.ts';

/** What an ICMP error quotes of a TCP or UDP packet; the ports are the first four bytes behind the header. */
export interface QuotedPacket {
  readonly header: Ipv4Header;
  readonly protocol: TransportProtocol;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** Undefined unless it is TCP or UDP, no later fragment, and long enough to have ports. */
export function readQuoted(bytes: Uint8Array, at: number): QuotedPacket | undefined {
  const header = parseQuotedIpv4Header(bytes, at);
  if (isFault(header) || header.fragmentOffsetBytes > 0) return undefined;
  const portsAt = at + header.headerBytes;
  if (bytes.length < portsAt + 4) return undefined;
  if (header.protocol !== PROTOCOL.tcp && header.protocol !== PROTOCOL.udp) return undefined;
  return {
    header,
    protocol: header.protocol === PROTOCOL.tcp ? 'tcp' : 'udp',
    sourcePort: readU16(bytes, portsAt),
    destinationPort: readU16(bytes, portsAt + 2),
  };
}

export interface KnownFlow {
  readonly protocol: TransportProtocol;
  readonly vip: Ipv4Address;
  readonly servicePort: number;
  readonly client: Ipv4Address;
  readonly clientPort: number;
}

export interface FlowTarget {
  readonly service: ServiceEntry;
  readonly real: RealEntry;
}

/** The real of a flow under way: as remembered, or as a ring has it. Nothing is remembered, and no turn is taken. */
export function findFlow(image: ForwardingImage, flow: KnownFlow): FlowTarget | undefined {
  const service = image.findService(flow.vip, flow.servicePort, flow.protocol);
  if (service === undefined) return undefined;
  const tcpFlags = flow.protocol === 'tcp' ? TCP_FLAGS.ack : undefined;
  const selection = previewReal(image, service, {
    client: flow.client,
    clientPort: flow.clientPort,
    tcpFlags,
  });
  const real = selection.how === 'turn' ? undefined : image.real(selection.real);
  return real && { service, real };
}
