import type { RealIndex } from '../forwarding/decision.ts';
import type {
  CounterValues,
  FlowEntry,
  ForwardingImage,
  ServiceEntry,
} from '../forwarding/image/forwarding-image.ts';
import { FLOW_STATE, TICK_MS } from '../forwarding/image/layout.ts';
import type { ServiceKey } from '../forwarding/table.ts';
import type { Ipv4Address } from '../net/ipv4-address.ts';
import type { FlowFilter, FlowRecord, PlaneCounters, RealCounters, ServiceCounters } from './data-plane.ts';

/** What a fast path counted beside the slow one, by real; index 0: the packets that it handed over. */
export type FastCounters = (real: RealIndex) => CounterValues;

const NO_FAST_PATH: FastCounters = () => ({ packets: 0, bytes: 0, connections: 0 });

/** Flows looked at before other work gets a turn. */
const FLOWS_PER_TURN = 20_000;

const STATE_NAMES: Readonly<Record<number, FlowRecord['state']>> = {
  [FLOW_STATE.synRecv]: 'SYN_RECV',
  [FLOW_STATE.established]: 'ESTABLISHED',
  [FLOW_STATE.finWait]: 'FIN_WAIT',
  [FLOW_STATE.close]: 'CLOSE',
  [FLOW_STATE.udp]: 'UDP',
};

/** The counters of a plane whose state is in a forwarding image. */
export function reportCounters(image: ForwardingImage, fast: FastCounters = NO_FAST_PATH): PlaneCounters {
  return {
    services: [...image.serviceEntries()].map((entry) => serviceCounters(image, fast, entry)),
    reasons: image.reasonCounts(),
    handedOver: fast(0).packets,
  };
}

function serviceCounters(image: ForwardingImage, fast: FastCounters, entry: ServiceEntry): ServiceCounters {
  const reals = [...entry.reals].map(([address, index]) => realCounters(image, fast, { address, index }));
  return {
    key: keyOf(entry.service),
    reals,
    packets: sum(reals, 'packets'),
    bytes: sum(reals, 'bytes'),
    connections: sum(reals, 'connections'),
    trackedSlots: image.trackedSlots(entry),
    slots: entry.slotCount,
  };
}

function realCounters(
  image: ForwardingImage,
  fast: FastCounters,
  { address, index }: { readonly address: Ipv4Address; readonly index: RealIndex },
): RealCounters {
  const byFast = fast(index);
  const bySlow = image.slowCounters(index);
  const flows = image.flowCounts(index);
  return {
    address,
    packets: byFast.packets + bySlow.packets,
    bytes: byFast.bytes + bySlow.bytes,
    connections: byFast.connections + bySlow.connections,
    activeFlows: flows.active,
    inactiveFlows: flows.inactive,
  };
}

function sum(reals: readonly RealCounters[], field: keyof CounterValues): number {
  return reals.reduce((total, real) => total + real[field], 0);
}

/** The remembered flows that a filter lets through, other work getting its turn in between. */
export async function* reportFlows(
  image: ForwardingImage,
  nowTick: number,
  filter: FlowFilter = {},
): AsyncGenerator<FlowRecord> {
  let seen = 0;
  for (const flow of image.listFlows(nowTick)) {
    const record = flowRecord(image, flow);
    if (record !== undefined && passes(record, filter)) yield record;
    if (++seen % FLOWS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Undefined for a flow whose real has just been removed. */
function flowRecord(image: ForwardingImage, flow: FlowEntry): FlowRecord | undefined {
  const real = image.real(flow.real);
  const state = STATE_NAMES[flow.state];
  if (real === undefined || state === undefined || real.serviceIndex !== flow.serviceIndex) return undefined;
  return {
    service: keyOf(real.service),
    client: flow.client as Ipv4Address,
    clientPort: flow.clientPort,
    real: real.address,
    state,
    idleMs: flow.idleTicks * TICK_MS,
  };
}

function passes(flow: FlowRecord, { service, real, client }: FlowFilter): boolean {
  return (
    (service === undefined || sameKey(flow.service, service)) &&
    (real === undefined || flow.real === real) &&
    (client === undefined || flow.client === client)
  );
}

function sameKey(one: ServiceKey, other: ServiceKey): boolean {
  return one.vip === other.vip && one.port === other.port && one.protocol === other.protocol;
}

function keyOf({ vip, protocol, port }: ServiceKey): ServiceKey {
  return { vip, protocol, port };
}
