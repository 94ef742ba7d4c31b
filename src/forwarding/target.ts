import { readU16 } from '../net/bytes.ts';
import { formatIp, isIpv6 } from '../net/ip-address.ts';
import { clientWord } from './client-word.ts';
import { type Context, chooseReal, countForwarded } from './context.ts';
import { flowHash, slotOfHash } from './image/flow-hash.ts';
import type { RealEntry, ServiceEntry } from './image/forwarding-image.ts';
import type { FlowPacket, SelectedBy, Selection } from './image/select-real.ts';
import type { IpPacket } from './ip-header.ts';
import { formatServiceName } from './service-name.ts';
import type { TransportProtocol } from './table.ts';
import { LEAST_TRANSPORT_BYTES, sctpSignal, tcpSignal, transportOf, udpSignal } from './transport.ts';

/** Where a packet goes, and by which service. */
export interface Target {
  readonly service: ServiceEntry;
  readonly real: RealEntry;
  readonly flow: FlowPacket;
}

export interface Transport {
  readonly protocol: TransportProtocol;
  readonly flow: FlowPacket;
  readonly servicePort: number;
}

/** Why there is no target: the port is no service's, no real serves, or a rotation does not know the flow. */
export type NoTarget = 'no-service' | 'no-real' | 'no-flow';

/**
 * The ports of a packet that a service can have; undefined if it is none, or has fewer bytes than its transport header,
 * which is all that is looked at.
 */
export function readTransport({ state }: Context, { bytes, header }: IpPacket): Transport | undefined {
  const at = header.headerBytes;
  const protocol = transportOf(header.protocol);
  if (protocol === undefined || bytes.length - at < LEAST_TRANSPORT_BYTES[protocol]) return undefined;
  const { source } = header;
  const signal = { tcp: tcpSignal, udp: udpSignal, sctp: sctpSignal }[protocol](bytes, at);
  return {
    protocol,
    servicePort: readU16(bytes, at + 2),
    flow: {
      client: clientWord(source, state.image.hashKey),
      ...(isIpv6(source) && { clientAddress: source }),
      clientPort: readU16(bytes, at),
      ...signal,
    },
  };
}

/** Looks the service up and chooses the real; flow memory and the real's counters move, whatever is sent then. */
export function findTarget(context: Context, packet: IpPacket, transport: Transport): Target | NoTarget {
  const { image } = context.state;
  const { protocol, servicePort, flow } = transport;
  const service = image.findService(packet.header.destination, servicePort, protocol);
  if (service === undefined) {
    context.trace?.(`Nothing is served on ${protocol} port ${servicePort} of the VIP.`);
    return 'no-service';
  }
  const selection = chooseReal(context, service, flow);
  if (context.trace !== undefined)
    for (const said of describe(context, service, flow, selection)) context.trace(said);
  const real = image.real(selection.real);
  if (real === undefined) return selection.how === 'no-flow' ? 'no-flow' : 'no-real';
  countForwarded(context, selection, packet.bytes.length);
  return { service, real, flow };
}

export function describe(
  { state }: Context,
  service: ServiceEntry,
  flow: FlowPacket,
  { how, real }: Selection,
): string[] {
  const { scheduler, hashOn } = service.service;
  const address = state.image.real(real)?.address;
  const chosen = address === undefined ? 'no real' : formatIp(address);
  const intro = `It is for the service ${formatServiceName(service.service)}, scheduler ${scheduler}.`;
  if (scheduler !== 'mh') return [intro, SENTENCES[how](chosen)];
  if (service.slotCount === 0) return [intro, 'Its ring is empty: no real has a weight and serves.'];
  const hash = flowHash(flow.client, flow.clientPort & service.portMask, state.image.hashKey);
  const what = hashOn === 'source' ? "the client's address" : "the client's address and port";
  const slot = `The hash of ${what} is 0x${hash.toString(16).padStart(8, '0')}: slot ${slotOfHash(hash, service.slotCount)} of ${service.slotCount}.`;
  return [intro, slot, SENTENCES[how](chosen)];
}

const SENTENCES: Readonly<Record<SelectedBy, (real: string) => string>> = {
  stable: (real) => `The slot is stable: every packet in it goes to ${real}, and nothing is remembered.`,
  flow: (real) => `The flow is remembered: ${real}.`,
  current: (real) => `The slot is in transition; a flow that begins now goes to its new real, ${real}.`,
  fallback: (real) =>
    `The slot is in transition; a flow that may have begun before stays with its old real, ${real}.`,
  turn: (real) => `The flow is new, and the turn is ${real}'s.`,
  none: () => 'No real serves it.',
  'no-flow': () => 'The packet belongs to no flow that is remembered and opens none.',
};
