// Enters flows that another director knows into an image.
import type { FlowStateName } from '../forwarding/flow-states.ts';
import type { TransportProtocol } from '../forwarding/forwarding-table.ts';
import type { ForwardingImage, Learned } from '../forwarding/image/forwarding-image.ts';
import { FLOW_STATE, type FlowState, TICK_MS } from '../forwarding/image/tables/layout.ts';
import type { KnownFlow, LearnSummary } from './data-plane.ts';

const TEMPLATES = { TEMPLATE: FLOW_STATE.template, ASSURED: FLOW_STATE.assuredTemplate } as const;

const STATES: Readonly<Record<TransportProtocol, Readonly<Partial<Record<FlowStateName, FlowState>>>>> = {
  tcp: {
    ...TEMPLATES,
    SYN_RECV: FLOW_STATE.synRecv,
    ESTABLISHED: FLOW_STATE.established,
    FIN_WAIT: FLOW_STATE.finWait,
    TIME_WAIT: FLOW_STATE.timeWait,
    CLOSE: FLOW_STATE.close,
  },
  udp: { ...TEMPLATES, UDP: FLOW_STATE.udp },
  sctp: {
    ...TEMPLATES,
    INIT1: FLOW_STATE.sctpInit1,
    INIT: FLOW_STATE.sctpInit,
    COOKIE_ECHOED: FLOW_STATE.sctpCookieEchoed,
    ESTABLISHED: FLOW_STATE.sctpEstablished,
    SHUTDOWN: FLOW_STATE.sctpShutdown,
    CLOSED: FLOW_STATE.sctpClosed,
  },
};

/** Enters flows into the image; one whose state its protocol does not have counts as unknown. */
export function learnFlows(
  image: ForwardingImage,
  flows: Iterable<KnownFlow>,
  nowTick: number,
): LearnSummary {
  const summary: Record<Learned, number> = {
    learned: 0,
    known: 0,
    kept: 0,
    stateless: 0,
    unknown: 0,
    full: 0,
  };
  for (const flow of flows) {
    const state = STATES[flow.service.protocol][flow.state];
    const seenTick = (nowTick - idleTicks(image, flow, state ?? 0)) >>> 0;
    summary[state === undefined ? 'unknown' : image.learn({ ...flow, state, seenTick }, nowTick)]++;
  }
  return summary;
}

/** Returns the time since the last packet; by `leftMs` it is forgotten here when it is forgotten there. */
function idleTicks(
  image: ForwardingImage,
  { service, leftMs, idleMs = 0 }: KnownFlow,
  state: FlowState,
): number {
  if (leftMs === undefined) return Math.floor(idleMs / TICK_MS);
  const entry = image.findService(service.vip, service.port, service.protocol);
  if (entry === undefined) return 0;
  const timeout = image.flowTimeoutTicks({ state, serviceIndex: entry.index });
  return Math.max(0, timeout - Math.ceil(leftMs / TICK_MS));
}
