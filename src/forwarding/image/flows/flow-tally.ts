// What a pass over the flow memory counted.
import type { RealIndex } from '../../decision.ts';
import { REALS } from '../tables/layout.ts';
import type { FlowCounts } from './flow-counts.ts';
import { type ScannedFlow, scanFlows } from './flow-scan.ts';
import { isActive, isTemplate } from './flow-state.ts';
import type { FlowTable } from './flow-table.ts';

/** What a pass over the flow table counted, by real. */
export interface FlowTally {
  readonly active: Uint32Array;
  readonly inactive: Uint32Array;
  readonly templates: Uint32Array;
  /** `flow_counts` when the pass began. */
  readonly countsBefore: BigUint64Array;
  /** By real: by how much the kept count was off, where nothing moved while the pass lasted. */
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
 * Mends what a writer that was killed between an entry and its count has left: a count that a pass found off, by as much
 * as the pass before did, and that did not move meanwhile. (One that moves may be off by flows that came and went.)
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

/** Counts all flows anew: what a former run left may be off. */
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
