// Decides which persistence templates end, live on or become assured, by the flows that a sweep sees.
import { isIpv4, isIpv6, networkOf } from '../../../net/address/ip-address.ts';
import type { Ipv4Address } from '../../../net/address/ipv4-address.ts';
import type { Service } from '../../forwarding-table.ts';
import { foldIpv6 } from '../../hashing/flow-hash.ts';
import { type ScannedFlow, scannedValue } from '../flows/flow-scan.ts';
import { type FlowTable, packFlow, tagOf } from '../flows/flow-table.ts';
import { templateTicks } from '../flows/flow-timeouts.ts';
import { type ImageState, serviceAt } from '../image-state.ts';
import { FLOW_STATE, TICK_MS } from '../tables/layout.ts';

/** A template about which the flows of a pass decide: whether it ends or becomes assured. */
interface WatchedTemplate {
  readonly at: number;
  readonly value: bigint;
  readonly state: number;
  readonly real: number;
  readonly timeoutTicks: number;
  /** True if its time is over. */
  readonly due: boolean;
  /** True if a flow of its clients lives. */
  hasFlow: boolean;
  /** True if one of these flows is established. */
  hasEstablished: boolean;
}

/**
 * The templates on which one pass over the flow table found that the next pass has to decide. So templates need no counts of
 * their flows, and a pass looks at the flows of few templates only.
 */
export interface TemplateWatch {
  /** By service index, then by the word of the clients' network. */
  readonly services: (Map<number, WatchedTemplate> | undefined)[];
  watched: number;
  /** The position from which to watch: those before it were watched last time, when there was no room for all. */
  readonly startAt: number;
  nextStart: number;
}

/** The most templates watched in a pass, which bounds memory. A flood of new clients takes more passes. */
const MOST_WATCHED = 1 << 16;
/** The time for which IPVS prolongs an expired template that has flows: ip_vs_conn_expire() in ip_vs_conn.c. */
const PROLONGED_TICKS = 60_000 / TICK_MS;

export function startWatch(before?: TemplateWatch): TemplateWatch {
  return { services: [], watched: 0, startAt: before?.nextStart ?? 0, nextStart: 0 };
}

/** Notes a template that has to be decided on. */
export function watchTemplate(watch: TemplateWatch, flow: ScannedFlow, service: Service | undefined): void {
  const timeoutTicks = templateTicks(service);
  const due = flow.idleTicks >= timeoutTicks;
  const mayBeAssured = flow.state === FLOW_STATE.template && service?.protocol !== 'udp';
  if ((!due && !mayBeAssured) || flow.at < watch.startAt) return;
  if (watch.watched >= MOST_WATCHED) {
    watch.nextStart ||= flow.at;
    return;
  }
  watch.watched++;
  const { at, state, real } = flow;
  const value = scannedValue(flow);
  const templates = (watch.services[flow.serviceIndex] ??= new Map<number, WatchedTemplate>());
  templates.set(flow.client, {
    at,
    value,
    state,
    real,
    timeoutTicks,
    due,
    hasFlow: false,
    hasEstablished: false,
  });
}

/** Notes a live flow with its template, if that is watched. */
export function noteFlow(watch: TemplateWatch, flow: ScannedFlow, state: ImageState): void {
  const templates = watch.services[flow.serviceIndex];
  const service = templates && serviceAt(state, flow.serviceIndex);
  if (service?.persistence === undefined) return;
  const address = isIpv6(service.vip)
    ? state.flows.clientOf(flow.at, flow.client)
    : (flow.client as Ipv4Address);
  if (address === undefined) return;
  const network = networkOf(address, service.persistence.prefixLength);
  const word = isIpv4(network) ? network : foldIpv6(network, state.settings.hashKey);
  const template = templates?.get(word);
  // The template is not for this flow if its client was given another real meanwhile.
  if (template === undefined || template.real !== flow.real) return;
  template.hasFlow = true;
  template.hasEstablished ||=
    flow.state === FLOW_STATE.established || flow.state === FLOW_STATE.sctpEstablished;
}

/** Ends, prolongs and assures the watched templates. A template that a new flow has renewed meanwhile stays as it is. */
export function settleTemplates(table: FlowTable, watch: TemplateWatch, nowTick: number): number {
  let ended = 0;
  for (const templates of watch.services) {
    for (const template of templates?.values() ?? []) {
      const { at, value } = template;
      const next = nextValue(template, nowTick);
      if (next !== value && table.exchange(at, value, next) && next === 0n) ended++;
    }
  }
  return ended;
}

function nextValue(template: WatchedTemplate, nowTick: number): bigint {
  const { value, real, due, hasFlow, hasEstablished, timeoutTicks } = template;
  if (due && !hasFlow) return 0n;
  const seenTick = due ? nowTick - timeoutTicks + PROLONGED_TICKS : Number(value >> 32n);
  const state = hasEstablished ? FLOW_STATE.assuredTemplate : template.state;
  return packFlow(tagOf(value), { real, state, nowTick: seenTick });
}
