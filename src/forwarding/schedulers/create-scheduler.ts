// Creates the scheduler that a service names.
import type { SchedulerName, Service } from '../forwarding-table.ts';
import { failover } from './fo.ts';
import { DestinationHashing } from './hashed/dh.ts';
import { MaglevHashing } from './hashed/mh.ts';
import { SourceHashing } from './hashed/sh.ts';
import { LocalityBased } from './lblc.ts';
import { LocalityBasedReplicated } from './lblcr.ts';
import { leastConnection } from './lc.ts';
import { neverQueue } from './nq.ts';
import { overflow } from './ovf.ts';
import { ownRing } from './parts/scheduler-ring.ts';
import { RoundRobin } from './rr.ts';
import type { Scheduler } from './scheduler.ts';
import { shortestExpectedDelay } from './sed.ts';
import { twoChoices } from './twos.ts';
import { weightedLeastConnection } from './wlc.ts';
import { WeightedRoundRobin } from './wrr.ts';

const CREATE: Readonly<Record<SchedulerName, (service: Service, hashKey: Uint8Array) => Scheduler>> = {
  rr: () => new RoundRobin(),
  wrr: () => new WeightedRoundRobin(),
  lc: () => leastConnection,
  wlc: () => weightedLeastConnection,
  lblc: () => new LocalityBased(),
  lblcr: () => new LocalityBasedReplicated(),
  dh: () => new DestinationHashing(),
  sh: ({ schedulerFlags }) => new SourceHashing(schedulerFlags),
  mh: (service, hashKey) => new MaglevHashing(ownRing(service, hashKey)),
  sed: () => shortestExpectedDelay,
  nq: () => neverQueue,
  fo: () => failover,
  ovf: () => overflow,
  twos: () => twoChoices,
};

/**
 * Creates the scheduler of a service. A caller that has a ring for the service already creates a `MaglevHashing` that walks it
 * instead.
 * @param hashKey the table's key, by which `mh` hashes
 */
export function createScheduler(service: Service, hashKey: Uint8Array): Scheduler {
  return CREATE[service.scheduler](service, hashKey);
}
