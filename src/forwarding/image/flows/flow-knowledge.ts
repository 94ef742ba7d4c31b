// Tells which reals have all their flows remembered, and how long that takes for the others.
import type { RealIndex } from '../../decision.ts';
import {
  currentOf,
  fallbackOf,
  isTracked,
  type RingRange,
  type Transition,
  type TransitionRules,
  windowLeft,
} from '../slots/ring-transition.ts';
import { SERVICE_KIND, SLOT_REAL_BITS } from '../tables/layout.ts';
import type { ServiceRecord } from '../tables/service-record.ts';

/**
 * Returns the ticks until every flow of a living real is remembered. 0: all are. Infinity: it has slots whose flows are not
 * remembered at all, and nothing ends that.
 */
export type TicksToKnow = (real: RealIndex) => number;

const REAL_INDICES = 1 << SLOT_REAL_BITS;
const KNOWN: TicksToKnow = () => 0;

/**
 * Returns how completely a service's flows are remembered. Only a hash ring is incomplete: flows of its stable slots are not
 * remembered. Flows of a slot that left the stable state are remembered once they send something, at the latest when silent ones
 * have timed out.
 */
export function flowKnowledge(record: ServiceRecord, ring: RingRange, rules: TransitionRules): TicksToKnow {
  if (record.kind !== SERVICE_KIND.hash || record.service.onePacket === true) return KNOWN;
  const { transition } = record;
  return transition === undefined ? stableKnowledge(record) : ringKnowledge(ring, transition, rules);
}

/** The knowledge of a stable ring: every real with a weight has slots in it. */
function stableKnowledge({ service, reals }: ServiceRecord): TicksToKnow {
  const choosing = new Set<RealIndex>();
  for (const { address, weight, serving } of service.reals) {
    if (serving && weight > 0) choosing.add(reals.get(address) ?? 0);
  }
  return (real) => (choosing.has(real) ? Number.POSITIVE_INFINITY : 0);
}

function ringKnowledge(ring: RingRange, transition: Transition, rules: TransitionRules): TicksToKnow {
  const left = new Float64Array(REAL_INDICES);
  for (let i = 0; i < ring.count; i++) {
    const slot = ring.slots.words[ring.first + i] as number;
    if (!isTracked(slot)) {
      left[currentOf(slot)] = Number.POSITIVE_INFINITY;
      continue;
    }
    const fallback = fallbackOf(slot);
    const ticks = windowLeft(transition.since[i] as number, rules);
    if (ticks > (left[fallback] as number)) left[fallback] = ticks;
  }
  return (real) => left[real] ?? 0;
}
