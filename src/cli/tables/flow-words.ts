// Formats numbers of flows when not every flow is remembered.
import type { WireReal } from '../../contract/api/service-status.ts';
import { formatAge } from './format-age.ts';

type Known = Pick<WireReal, 'activeKnown' | 'completeAt'>;

/** `3`; `≥3` where there may be more; `-` where nothing is known and nothing will be. */
export function flowCountText(count: number, { activeKnown, completeAt }: Known): string | number {
  if (activeKnown) return count;
  return count === 0 && completeAt === null ? '-' : `≥${count}`;
}

/** Returns the sum over several reals. */
export function flowSumText(
  reals: readonly (Known & Pick<WireReal, 'activeFlows' | 'inactiveFlows'>)[],
  which: 'activeFlows' | 'inactiveFlows',
): string | number {
  const sum = reals.reduce((total, real) => total + real[which], 0);
  const unknown = reals.filter(({ activeKnown }) => !activeKnown);
  if (unknown.length === 0) return sum;
  const ends = unknown.find(({ completeAt }) => completeAt !== null);
  return flowCountText(sum, { activeKnown: false, completeAt: ends?.completeAt ?? null });
}

/** `complete in 12m`; undefined: they are, or nothing ends that. */
export function completionText({ completeAt }: Known, nowMs: number): string | undefined {
  if (completeAt === null) return undefined;
  return `complete in ${formatAge(Date.parse(completeAt) - nowMs)}`;
}
