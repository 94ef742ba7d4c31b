// Reads the flow that an ICMP error quotes, and finds its real.
import type { IpAddress } from '../../net/address/ip-address.ts';
import { readU16 } from '../../net/bytes.ts';
import { isFault } from '../../net/fault.ts';
import type { TransportProtocol } from '../forwarding-table.ts';
import { clientWord } from '../hashing/client-word.ts';
import { previewReal } from '../image/choice/select-real.ts';
import type { ForwardingImage, RealEntry, ServiceEntry } from '../image/forwarding-image.ts';
import { type IpHeader, parseQuotedIpHeader } from './ip-header.ts';
import { MIDDLE_OF_FLOW, transportOf } from './transport.ts';

/** The packet that an ICMP error quotes, if a service can have it. The ports are the first four bytes behind the header. */
export interface QuotedPacket {
  readonly header: IpHeader;
  readonly protocol: TransportProtocol;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/**
 * Reads a quoted packet. Returns undefined if no service can have it, if it is a later fragment, or if it is too short to have
 * ports.
 */
export function readQuoted(bytes: Uint8Array, at: number): QuotedPacket | undefined {
  const header = parseQuotedIpHeader(bytes, at);
  if (isFault(header) || header.fragmentOffsetBytes > 0) return undefined;
  const portsAt = at + header.headerBytes;
  const protocol = transportOf(header.protocol);
  if (bytes.length < portsAt + 4 || protocol === undefined) return undefined;
  return {
    header,
    protocol,
    sourcePort: readU16(bytes, portsAt),
    destinationPort: readU16(bytes, portsAt + 2),
  };
}

export interface KnownFlow {
  readonly protocol: TransportProtocol;
  readonly vip: IpAddress;
  readonly servicePort: number;
  readonly client: IpAddress;
  readonly clientPort: number;
}

export interface FlowTarget {
  readonly service: ServiceEntry;
  readonly real: RealEntry;
  /** False where every client would have a real, as with a ring: then it is not known whether the flow exists. */
  readonly remembered: boolean;
}

/** Returns the real of an existing flow, as remembered or by the ring. Nothing is remembered and no turn is used up. */
export function findFlow(image: ForwardingImage, flow: KnownFlow): FlowTarget | undefined {
  const service = image.findService(flow.vip, flow.servicePort, flow.protocol);
  if (service === undefined) return undefined;
  const selection = previewReal(image, service, {
    client: clientWord(flow.client, image.hashKey),
    clientPort: flow.clientPort,
    servicePort: flow.servicePort,
    ...MIDDLE_OF_FLOW[flow.protocol],
  });
  const isNew = selection.how === 'turn' || selection.how === 'scheduled' || selection.how === 'template';
  const real = isNew ? undefined : image.real(selection.real);
  return real && { service, real, remembered: selection.how === 'flow' };
}
