import type { SchedulerFlag, SchedulerName, Service } from '../../../../src/forwarding/forwarding-table.ts';
import { createScheduler } from '../../../../src/forwarding/schedulers/create-scheduler.ts';
import type {
  Candidate,
  ScheduleRequest,
  Scheduler,
} from '../../../../src/forwarding/schedulers/scheduler.ts';
import { type IpAddress, ip } from '../../../../src/net/address/ip-address.ts';

const HASH_KEY = Uint8Array.from({ length: 16 }, (_, i) => i * 7 + 1);

export type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
export type Real = Mutable<Candidate>;

/** Real n has 10.0.n.2, counted from 1. */
export function real(n: number, fields: Partial<Candidate> = {}): Real {
  const address = ip(`10.${n >> 8}.${n & 255}.2`);
  return { index: n, address, weight: 1, active: 0, inactive: 0, overloaded: false, ...fields };
}

export function realsOf(...weights: readonly number[]): Real[] {
  return weights.map((weight, i) => real(i + 1, { weight }));
}

export function request(fields: Partial<ScheduleRequest> = {}): ScheduleRequest {
  return {
    client: ip('198.51.100.7'),
    clientPort: 40_000,
    vip: ip('192.0.2.10'),
    port: 80,
    protocol: 'tcp',
    nowMs: 0,
    random: () => 0.5,
    ...fields,
  };
}

export function serviceOf(scheduler: SchedulerName, fields: Partial<Service> = {}): Service {
  return {
    vip: ip('192.0.2.10'),
    protocol: 'tcp',
    port: 80,
    scheduler,
    hashOn: 'flow',
    tunnel: { type: 'ipip' },
    blackhole: { policy: 'cure', after: 2 },
    reals: [],
    ...fields,
  };
}

export function schedulerOf(name: SchedulerName, ...schedulerFlags: readonly SchedulerFlag[]): Scheduler {
  return createScheduler(serviceOf(name, { schedulerFlags }), HASH_KEY);
}

/** Really chooses, and counts the flow with its real. */
export function schedule(
  by: Scheduler,
  reals: readonly Real[],
  asked: ScheduleRequest = request(),
): Real | undefined {
  const choice = by.choose(reals, asked);
  choice?.commit?.();
  const chosen = choice && reals[choice.position];
  if (chosen) chosen.active++;
  return chosen;
}

/** Letters of the reals that as many flows in a row get: A is real 1; `-` is none. */
export function turns(by: Scheduler, reals: readonly Real[], count: number): string {
  return Array.from({ length: count }, () => letterOf(schedule(by, reals))).join('');
}

export function letterOf(chosen: Candidate | undefined): string {
  return chosen === undefined ? '-' : String.fromCharCode('A'.charCodeAt(0) + chosen.index - 1);
}

export function addressesFrom(first: string, count: number): IpAddress[] {
  const start = ip(first);
  if (typeof start === 'number') return Array.from({ length: count }, (_, i) => (start + i) as IpAddress);
  return Array.from({ length: count }, (_, i) => (start + BigInt(i)) as IpAddress);
}
