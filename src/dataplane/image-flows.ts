import type { FlowEntry, ForwardingImage } from '../forwarding/image/forwarding-image.ts';
import { FLOW_STATE, TICK_MS } from '../forwarding/image/layout.ts';
import type { ServiceKey } from '../forwarding/table.ts';
import type { IpAddress } from '../net/ip-address.ts';
import type { FlowFilter, FlowRecord } from './data-plane.ts';

const STATE_NAMES: Readonly<Record<number, FlowRecord['state']>> = {
  [FLOW_STATE.synRecv]: 'SYN_RECV',
  [FLOW_STATE.established]: 'ESTABLISHED',
  [FLOW_STATE.finWait]: 'FIN_WAIT',
  [FLOW_STATE.close]: 'CLOSE',
  [FLOW_STATE.udp]: 'UDP',
};

/** The remembered flows of an image that pass the filter; what changes meanwhile may be in it or not. */
export function* imageFlows(
  image: ForwardingImage,
  nowTick: number,
  filter: FlowFilter = {},
): Generator<FlowRecord> {
  for (const entry of image.listFlows(nowTick)) {
    if (filter.client !== undefined && entry.client !== filter.client) continue;
    const record = flowRecord(image, entry);
    if (record !== undefined && passes(record, filter)) yield record;
  }
}

/** Undefined for a flow whose real has gone. */
function flowRecord(image: ForwardingImage, entry: FlowEntry): FlowRecord | undefined {
  const real = image.real(entry.real);
  const state = STATE_NAMES[entry.state];
  if (real === undefined || state === undefined || real.serviceIndex !== entry.serviceIndex) return undefined;
  const { vip, protocol, port } = real.service;
  return {
    service: { vip, protocol, port },
    client: entry.client as IpAddress,
    clientPort: entry.clientPort,
    real: real.address,
    state,
    idleMs: entry.idleTicks * TICK_MS,
  };
}

function passes({ service, real }: FlowRecord, filter: FlowFilter): boolean {
  return (filter.real === undefined || real === filter.real) && isSame(service, filter.service ?? service);
}

function isSame(a: ServiceKey, b: ServiceKey): boolean {
  return a.vip === b.vip && a.protocol === b.protocol && a.port === b.port;
}
