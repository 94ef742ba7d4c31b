// Counts the flows of each real in a pass over the flow table, and corrects counts that a killed writer left wrong.
import type { RealIndex } from '../../decision.ts';
import { REALS } from '../tables/layout.ts';
import type { FlowCounts } from './flow-counts.ts';
import { type ScannedFlow, scanFlows } from './flow-scan.ts';
import { isActive, isTemplate } from './flow-state.ts';
import type { FlowTable } from './flow-table.ts';

/** The counts of one pass over the flow table, by real. */
export interface FlowTally {
  readonly active: Uint32Array;
  readonly inactive: Uint32Array;
  readonly templates: Uint32Array;
  /** The `flow_counts` at the beginning of the pass. */
  readonly countsBefore: BigUint64Array;
  /** The error of each real's live count, for reals whose count did not change during the pass. */
  readonly off: Map<RealIndex, bigint>;
}

export function newTally(countsBefore: BigUint64Array = new BigUint64Array(REALS)): FlowTally {
  return {
    active: new Uint32Array(REALS),
    inactive: new Uint32Array(REALS),
    templates: new Uint32Array(REALS),
    countsBefore,
    off: new Map(),
  };
}

export function tallyFlow(tally: FlowTally, { state, real }: ScannedFlow): void {
  const list = isTemplate(state) ? tally.templates : isActive(state) ? tally.active : tally.inactive;
  list[real] = (list[real] as number) + 1;
}

/**
 * Corrects counts that a writer left wrong when it was killed between entry and count. A count is corrected if two passes found
 * it wrong by the same amount and it did not change meanwhile. (A count that changes may differ by flows that came and went.)
 */
export function settleCounts(counts: FlowCounts, tally: FlowTally, previous: FlowTally): void {
  for (let real = 1; real < REALS; real++) {
    const before = tally.countsBefore[real] as bigint;
    const [active, inactive] = [tally.active[real] as number, tally.inactive[real] as number];
    if (before === 0n && active === 0 && inactive === 0) continue;
    const counted = (BigInt(active) << 32n) + BigInt(inactive);
    if (counted === before || counts.word(real) !== before) continue;
    tally.off.set(real, counted - before);
    if (previous.off.get(real) === counted - before) counts.correct(real, before, counted);
  }
}

/** Counts all flows again, as counts of an earlier run may be wrong. */
export function recount(table: FlowTable): void {
  const tally = newTally(table.counts.copy());
  for (let from: number | undefined = 0; from !== undefined; ) {
    from = scanFlows(table, { from, nowTick: 0 }, (flow) => tallyFlow(tally, flow));
  }
  for (let real = 1; real < REALS; real++) {
    const counted = (BigInt(tally.active[real] as number) << 32n) + BigInt(tally.inactive[real] as number);
    table.counts.add(real, counted - (tally.countsBefore[real] as bigint));
  }
}
