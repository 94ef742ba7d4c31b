// The counters of a plane, read from its image.
import type { RealIndex } from '../forwarding/decision.ts';
import type { ForwardingImage, ServiceEntry } from '../forwarding/image/forwarding-image.ts';
import { TICK_MS } from '../forwarding/image/tables/layout.ts';
import type { IpAddress } from '../net/address/ip-address.ts';
import type { RealCounters, ServiceCounters, TrafficCounters } from './data-plane.ts';

/**
 * Returns the counters of each real of every service in an image.
 * @param lost the reals without a way
 */
export function imageCounters(
  image: ForwardingImage,
  trafficOf: (real: RealIndex) => TrafficCounters,
  lost: ReadonlySet<IpAddress> = new Set(),
): ServiceCounters[] {
  return Array.from(image.serviceEntries(), (entry) => serviceCounters(image, entry, { trafficOf, lost }));
}

function serviceCounters(
  image: ForwardingImage,
  entry: ServiceEntry,
  {
    trafficOf,
    lost,
  }: { readonly trafficOf: (real: RealIndex) => TrafficCounters; readonly lost: ReadonlySet<IpAddress> },
): ServiceCounters {
  const ticksToKnow = image.flowKnowledge(entry);
  const reals: RealCounters[] = Array.from(entry.reals, ([address, index]) => {
    const { active, inactive, templates } = image.flowCounts(index);
    const flows = { activeFlows: active, inactiveFlows: inactive, persistentClients: templates };
    const local = image.isLocal(index) && { local: true };
    const noWay = lost.has(address) && { noWay: true };
    return { address, ...flows, ...knowledge(ticksToKnow(index)), ...local, ...noWay, ...trafficOf(index) };
  });
  const { vip, protocol, port } = entry.service;
  return {
    key: { vip, protocol, port },
    reals,
    trackedSlots: image.trackedSlots(entry),
    slots: entry.slotCount,
    connections: sum(reals, 'connections'),
    packets: sum(reals, 'packets'),
    bytes: sum(reals, 'bytes'),
  };
}

function knowledge(ticks: number): Pick<RealCounters, 'flowsKnown' | 'flowsKnownInMs'> {
  return {
    flowsKnown: ticks === 0,
    flowsKnownInMs: ticks === 0 || ticks === Number.POSITIVE_INFINITY ? undefined : ticks * TICK_MS,
  };
}

function sum(reals: readonly TrafficCounters[], what: keyof TrafficCounters): number {
  return reals.reduce((total, real) => total + real[what], 0);
}
