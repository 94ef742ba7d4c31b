// Chooses the reals of new flows where the slow path schedules: scheduler, live flow counts and thresholds.
import type { IpAddress } from '../../../net/address/ip-address.ts';
import type { RealIndex } from '../../decision.ts';
import type { Real, Service } from '../../forwarding-table.ts';
import { createScheduler } from '../../schedulers/create-scheduler.ts';
import type { Candidate, ScheduleRequest, Scheduler } from '../../schedulers/scheduler.ts';
import type { FlowCounts } from '../flows/flow-counts.ts';
import type { RealTable } from '../tables/real-table.ts';

/** The parts of an image that hold the load of a real. */
export interface RealLoads {
  readonly reals: RealTable;
  readonly counts: FlowCounts;
}

export interface DelegatedChoice {
  readonly real: RealIndex;
  readonly commit: (() => void) | undefined;
}

/** A candidate that each choice fills again: a thousand new objects for each new flow would be garbage. */
interface MutableCandidate extends Candidate {
  active: number;
  inactive: number;
  overloaded: boolean;
}

type Thresholds = Pick<Real, 'upperThreshold' | 'lowerThreshold'>;

/** Chooses the reals of a service's new flows where the fast path leaves that to the slow path. */
export class Delegate {
  readonly service: Service;
  readonly scheduler: Scheduler;
  readonly #loads: RealLoads;
  readonly #candidates: readonly MutableCandidate[];
  /** Thresholds of the reals that have any. */
  readonly #thresholds = new Map<RealIndex, Thresholds>();

  constructor(
    service: Service,
    indices: ReadonlyMap<IpAddress, RealIndex>,
    parts: { readonly scheduler: Scheduler; readonly loads: RealLoads },
  ) {
    this.service = service;
    this.scheduler = parts.scheduler;
    this.#loads = parts.loads;
    this.#candidates = service.reals
      .filter(({ serving, hasWay = true }) => serving && hasWay)
      .map(({ address, weight }) => {
        const index = indices.get(address) ?? 0;
        return { index, address, weight, active: 0, inactive: 0, overloaded: false };
      });
    for (const real of service.reals) {
      if (real.upperThreshold) this.#thresholds.set(indices.get(real.address) ?? 0, real);
    }
  }

  /** Returns the real for a new flow; undefined if none may have it. Changes nothing. */
  schedule(request: ScheduleRequest): DelegatedChoice | undefined {
    const { counts } = this.#loads;
    const haveThresholds = this.#thresholds.size > 0;
    for (const candidate of this.#candidates) {
      candidate.active = counts.active(candidate.index);
      candidate.inactive = counts.inactive(candidate.index);
      candidate.overloaded = haveThresholds && this.isOverloaded(candidate.index);
    }
    const choice = this.scheduler.choose(this.#candidates, request);
    const chosen = choice && this.#candidates[choice.position];
    return chosen && { real: chosen.index, commit: choice.commit };
  }

  /**
   * Returns true if the real has reached its upper threshold and has not been below the lower one since (ip_vs_unbind_dest() in
   * ip_vs_conn.c).
   */
  isOverloaded(real: RealIndex): boolean {
    const thresholds = this.#thresholds.get(real);
    if (thresholds === undefined || !this.#loads.reals.isOverloaded(real)) return false;
    const { upperThreshold: upper = 0, lowerThreshold: lower = 0 } = thresholds;
    const flows = this.#flowsOf(real);
    return lower > 0 ? flows >= lower : flows * 4 >= upper * 3;
  }

  /**
   * Notes that a real got a flow.
   * @param wasOverloaded whether the real was overloaded before
   */
  noteFlow(real: RealIndex, wasOverloaded: boolean): void {
    const upper = this.#thresholds.get(real)?.upperThreshold;
    if (upper === undefined) return;
    this.#loads.reals.setOverloaded(real, wasOverloaded || this.#flowsOf(real) >= upper);
  }

  #flowsOf(real: RealIndex): number {
    return this.#loads.counts.active(real) + this.#loads.counts.inactive(real);
  }
}

/** Returns a scheduler for the service: the existing one, if it has a memory and its options are unchanged. */
export function schedulerFor(service: Service, hashKey: Uint8Array, before: Delegate | undefined): Scheduler {
  const goesOn =
    before?.service.scheduler === service.scheduler &&
    // The ring of `mh` depends on the reals and the key.
    service.scheduler !== 'mh' &&
    sameFlags(before.service, service);
  return goesOn ? before.scheduler : createScheduler(service, hashKey);
}

function sameFlags({ schedulerFlags: a = [] }: Service, { schedulerFlags: b = [] }: Service): boolean {
  return a.length === b.length && a.every((flag) => b.includes(flag));
}
