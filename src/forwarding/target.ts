// Finds the service and the real for a packet.
import { formatIp, isIpv6 } from '../net/address/ip-address.ts';
import { readU16 } from '../net/bytes.ts';
import { type Context, chooseReal, countForwarded } from './decision-context.ts';
import type { TransportProtocol } from './forwarding-table.ts';
import { clientWord } from './hashing/client-word.ts';
import { flowHash, slotOfHash } from './hashing/flow-hash.ts';
import type { FlowPacket, SelectedBy, Selection } from './image/choice/select-real.ts';
import { opensFlow } from './image/flows/flow-state.ts';
import type { RealEntry, ServiceEntry } from './image/forwarding-image.ts';
import { SERVICE_KIND } from './image/tables/layout.ts';
import type { IpPacket } from './packets/ip-header.ts';
import { LEAST_TRANSPORT_BYTES, sctpSignal, tcpSignal, transportOf, udpSignal } from './packets/transport.ts';
import type { Reason } from './reasons.ts';
import { formatServiceName } from './service-name.ts';

/** The service and the real that a packet goes to. */
export interface Target {
  readonly service: ServiceEntry;
  readonly real: RealEntry;
  readonly flow: FlowPacket;
  /** The reason why the fast path could not choose the real. */
  readonly rarity?: Reason | undefined;
}

export interface Transport {
  readonly protocol: TransportProtocol;
  readonly flow: FlowPacket;
  readonly servicePort: number;
}

/**
 * Why there is no target.
 * - `no-service`: no service has the port.
 * - `no-real`: no real serves.
 * - `no-flow`: the service remembers its flows and does not know this one.
 * - `real-gone`: the flow's real is deleted and its flows are held.
 * - `no-way`: the real of the packet cannot be reached.
 */
export type NoTarget = 'no-service' | 'no-real' | 'no-flow' | 'real-gone' | 'no-way';

/**
 * Reads the ports of a packet; undefined if no service can have it, or if it is shorter than its transport header, which is all
 * that is inspected.
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
      servicePort: readU16(bytes, at + 2),
      ...signal,
    },
  };
}

/** Finds the service and chooses the real. Flow memory and the real's counters change, whatever is sent afterwards. */
export function findTarget(context: Context, packet: IpPacket, transport: Transport): Target | NoTarget {
  const { image } = context.state;
  const { protocol, servicePort, flow } = transport;
  const service = image.findService(packet.header.destination, servicePort, protocol);
  const vip = packet.header.destination;
  if (service === undefined && image.isAwaited({ vip, port: servicePort, protocol }, flow)) {
    context.trace?.('Its service was deleted, and its flow is kept until the service returns.');
    return 'real-gone';
  }
  if (service === undefined) {
    context.trace?.(`No service has ${protocol} port ${servicePort} of the VIP.`);
    return 'no-service';
  }
  const selection = chooseReal(context, service, flow);
  if (context.trace !== undefined)
    for (const said of describe(context, service, flow, selection)) context.trace(said);
  const real = image.real(selection.real);
  if (real === undefined) return NO_TARGETS[selection.how] ?? 'no-real';
  countForwarded(context, selection, packet.bytes.length);
  if (context.state.lostReals.has(real.address)) return 'no-way';
  const isDelegated =
    DELEGATED.has(selection.how) || service.kind === SERVICE_KIND.rare || isSloppyTurn(selection, flow);
  return { service, real, flow, rarity: isDelegated ? 'delegated' : undefined };
}

const NO_TARGETS: Readonly<Partial<Record<SelectedBy, NoTarget>>> = {
  'no-flow': 'no-flow',
  held: 'real-gone',
};

const DELEGATED: ReadonlySet<SelectedBy> = new Set(['scheduled', 'template']);

/**
 * Returns true for a turn that only the slow path takes: the fast path takes turns for openers and datagrams only, regardless of
 * `sloppyTcp`.
 */
function isSloppyTurn({ how }: Selection, flow: FlowPacket): boolean {
  return how === 'turn' && flow.tcpFlags !== undefined && !opensFlow(flow);
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
  if (service.kind !== SERVICE_KIND.hash) return [intro, SENTENCES[how](chosen)];
  if (service.slotCount === 0) return [intro, 'Its ring is empty: no serving real has a weight above 0.'];
  const hash = flowHash(flow.client, flow.clientPort & service.portMask, state.image.hashKey);
  const what = hashOn === 'source' ? "the client's address" : "the client's address and port";
  const slot = `The hash of ${what} is 0x${hash.toString(16).padStart(8, '0')}: slot ${slotOfHash(hash, service.slotCount)} of ${service.slotCount}.`;
  return [intro, slot, SENTENCES[how](chosen)];
}

const SENTENCES: Readonly<Record<SelectedBy, (real: string) => string>> = {
  stable: (real) => `The slot is stable: every packet in it goes to ${real}, and nothing is remembered.`,
  flow: (real) => `The flow is remembered: ${real}.`,
  current: (real) => `The slot is in transition; a flow that begins now goes to the new real, ${real}.`,
  fallback: (real) =>
    `The slot is in transition; a flow that may have begun before stays with the old real, ${real}.`,
  turn: (real) => `The flow is new, and it is the turn of ${real}.`,
  scheduled: (real) => `The flow is new, and the scheduler chooses ${real}.`,
  template: (real) => `The flow is new, and its client is persistent: it stays with ${real}.`,
  none: () => 'No real is available.',
  'no-flow': () => 'The packet belongs to no remembered flow and does not open one.',
  held: () => 'The flow is remembered, but its real was removed: the flow is kept until the real returns.',
};
