// Takes into a world what the plane reports on its own: next hops, cured clients, drift.
import type { PlaneEvent } from '../../dataplane/data-plane.ts';
import { formatServiceName } from '../../forwarding/service-name.ts';
import { formatIp } from '../../net/address/ip-address.ts';
import type { Draft } from './draft.ts';
import type { EventDraft } from './input.ts';

export function takePlaneEvent(draft: Draft, event: PlaneEvent): void {
  draft.report([describePlaneEvent(event)]);
  if (event.type !== 'next-hop') return;
  const withoutWay = new Map(draft.world.withoutWay);
  if (event.resolved) withoutWay.delete(event.real);
  else withoutWay.set(event.real, { sinceMs: draft.nowMs, detail: event.detail });
  draft.change({ withoutWay });
}

export function describePlaneEvent(event: PlaneEvent): EventDraft {
  if (event.type === 'drift')
    return { level: 'warning', type: 'drift', message: `${event.found}; ${event.done}` };
  if (event.type === 'warning') return { level: 'warning', type: 'plane', message: event.message };
  if (event.type === 'next-hop') {
    const state = event.resolved ? 'known' : 'unknown';
    const message = `the next hop to ${formatIp(event.real)} is ${state}: ${event.detail}`;
    return { level: event.resolved ? 'info' : 'warning', type: 'next-hop', message };
  }
  const client = `${formatIp(event.client)}:${event.clientPort}`;
  const message = `ICMP does not reach client ${client} of ${formatServiceName(event.service)}: its oversize packets are now forwarded in outer fragments`;
  return { level: 'warning', type: 'blackhole-cured', message };
}
