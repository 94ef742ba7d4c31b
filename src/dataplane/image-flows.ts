// The remembered flows of a plane, read from its image.
import type { FlowStateName } from '../forwarding/flow-states.ts';
import type { ServiceKey } from '../forwarding/forwarding-table.ts';
import { isTemplate } from '../forwarding/image/flows/flow-state.ts';
import type { ForwardingImage, ScannedFlow } from '../forwarding/image/forwarding-image.ts';
import { FLOW_STATE, TICK_MS } from '../forwarding/image/tables/layout.ts';
import { type IpAddress, isIpv6, networkOf } from '../net/address/ip-address.ts';
import type { FlowFilter, FlowRecord } from './data-plane.ts';

const STATE_NAMES: Readonly<Record<number, FlowStateName>> = {
  [FLOW_STATE.synRecv]: 'SYN_RECV',
  [FLOW_STATE.established]: 'ESTABLISHED',
  [FLOW_STATE.finWait]: 'FIN_WAIT',
  [FLOW_STATE.close]: 'CLOSE',
  [FLOW_STATE.udp]: 'UDP',
  [FLOW_STATE.timeWait]: 'TIME_WAIT',
  [FLOW_STATE.template]: 'TEMPLATE',
  [FLOW_STATE.assuredTemplate]: 'ASSURED',
  [FLOW_STATE.sctpInit1]: 'INIT1',
  [FLOW_STATE.sctpInit]: 'INIT',
  [FLOW_STATE.sctpCookieEchoed]: 'COOKIE_ECHOED',
  [FLOW_STATE.sctpEstablished]: 'ESTABLISHED',
  [FLOW_STATE.sctpShutdown]: 'SHUTDOWN',
  [FLOW_STATE.sctpClosed]: 'CLOSED',
};

/**
 * Yields the remembered flows of an image that pass the filter. The image is read in parts, between which other work gets its
 * turn; changes during the reading may be included or not.
 */
export async function* imageFlows(
  image: ForwardingImage,
  nowTick: number,
  filter: FlowFilter = {},
): AsyncGenerator<FlowRecord> {
  const passes = compile(filter);
  for (let from: number | undefined = 0; from !== undefined; ) {
    const records: FlowRecord[] = [];
    from = image.scanFlows({ from, nowTick }, (flow) => {
      const record = passes.state(flow) ? flowRecord(image, flow) : undefined;
      if (record !== undefined && passes.record(record)) records.push(record);
    });
    yield* records;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Returns the record of a flow; undefined if its real is gone. */
function flowRecord(image: ForwardingImage, flow: ScannedFlow): FlowRecord | undefined {
  const real = image.real(flow.real);
  const state = STATE_NAMES[flow.state];
  if (real === undefined || state === undefined || real.serviceIndex !== flow.serviceIndex) return undefined;
  const { vip, protocol, port, morePorts } = real.service;
  const hasPorts = port === 0 || morePorts !== undefined;
  return {
    ...(hasPorts && !isTemplate(flow.state) && { packetPort: image.packetPort(flow) }),
    service: { vip, protocol, port },
    client: isIpv6(vip) ? image.flows.clientOf(flow.at, flow.client) : (flow.client as IpAddress),
    clientPort: flow.clientPort,
    real: real.address,
    state,
    idleMs: flow.idleTicks * TICK_MS,
    leftMs: Math.max(0, image.flowTimeoutTicks(flow) - flow.idleTicks) * TICK_MS,
  };
}

interface Passes {
  /** Tested first, as it needs no record. */
  state(flow: ScannedFlow): boolean;
  record(record: FlowRecord): boolean;
}

function compile({ service, real, client, prefixLength, state, entry }: FlowFilter): Passes {
  const length = prefixLength ?? (client !== undefined && isIpv6(client) ? 128 : 32);
  const network = client === undefined ? undefined : networkOf(client, length);
  return {
    state: (flow) =>
      (entry === undefined || entry(flow)) && (state === undefined || STATE_NAMES[flow.state] === state),
    record: (record) =>
      (real === undefined || record.real === real) &&
      (service === undefined || isSame(record.service, service)) &&
      (network === undefined || (record.client !== undefined && isIn(record.client, network, length))),
  };
}

function isIn(address: IpAddress, network: IpAddress, length: number): boolean {
  return isIpv6(address) === isIpv6(network) && networkOf(address, length) === network;
}

function isSame(a: ServiceKey, b: ServiceKey): boolean {
  return a.vip === b.vip && a.protocol === b.protocol && a.port === b.port;
}
