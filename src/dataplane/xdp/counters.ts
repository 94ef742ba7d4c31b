// The counters of the xdp plane: those of the fast path and of the slow path.
import type { ForwardingImage } from '../../forwarding/image/forwarding-image.ts';
import { COUNTERS } from '../../forwarding/image/tables/layout.ts';
import type { BpfMap } from '../../linux/bpf/map.ts';
import type { IpAddress } from '../../net/address/ip-address.ts';
import type { PlaneCounters, TrafficCounters } from '../data-plane.ts';
import { imageCounters } from '../image-counters.ts';

const FIELDS = COUNTERS.size / 8;
const FIELD = {
  packets: COUNTERS.packets / 8,
  bytes: COUNTERS.bytes / 8,
  connections: COUNTERS.connections / 8,
};
const HANDED_OVER = 0;

/**
 * Returns the sum of what the slow path counted in the image and the fast path on each CPU.
 * @param lost the reals without a way
 */
export function planeCounters(
  image: ForwardingImage,
  perCpu: BpfMap,
  lost: ReadonlySet<IpAddress>,
): PlaneCounters {
  const fast = perCpu.sumOverCpus(highestIndex(image) + 1);
  const fastCount = (real: number, field: number): number => Number(fast[real * FIELDS + field]);
  const traffic = (real: number): TrafficCounters => {
    const slow = image.slowCounters(real);
    return {
      packets: slow.packets + fastCount(real, FIELD.packets),
      bytes: slow.bytes + fastCount(real, FIELD.bytes),
      connections: slow.connections + fastCount(real, FIELD.connections),
    };
  };
  return {
    services: imageCounters(image, traffic, lost),
    reasons: image.reasonCounts(),
    handedOver: fastCount(HANDED_OVER, FIELD.packets),
    overBudget: fastCount(HANDED_OVER, FIELD.connections),
  };
}

/** Packets that the fast path has given to an interface so far, by the reals that leave there now. */
export function fastPathSentBy(image: ForwardingImage, perCpu: BpfMap, ifIndex: number): number {
  const fast = perCpu.sumOverCpus(highestIndex(image) + 1);
  let packets = 0;
  for (const real of image.reals()) {
    if (real.ifIndex === ifIndex) packets += Number(fast[real.index * FIELDS + FIELD.packets]);
  }
  return packets;
}

function highestIndex(image: ForwardingImage): number {
  let highest = 0;
  for (const { reals } of image.serviceEntries()) {
    for (const index of reals.values()) highest = Math.max(highest, index);
  }
  return highest;
}
