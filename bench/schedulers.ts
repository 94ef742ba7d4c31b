import type { SchedulerName, Service } from '../src/forwarding/forwarding-table.ts';
import { SCHEDULER_NAMES } from '../src/forwarding/scheduler-names.ts';
import { createScheduler } from '../src/forwarding/schedulers/create-scheduler.ts';
import type { Candidate, Scheduler } from '../src/forwarding/schedulers/scheduler.ts';
import { ip } from '../src/net/address/ip-address.ts';
import { type Ipv4Address, ipv4 } from '../src/net/address/ipv4-address.ts';
import { type Sample, summarize } from './statistics.ts';

const REALS = 1000;
const CLIENTS = 50;
const ROUNDS_PER_SAMPLE = 20;

/** Microseconds of one choice among 1,000 reals, by scheduler. */
export function benchSchedulers(rounds: number): Readonly<Record<SchedulerName, Sample>> {
  return Object.fromEntries(
    SCHEDULER_NAMES.map((name) => [name, summarize(samples(name, rounds))]),
  ) as Record<SchedulerName, Sample>;
}

function samples(name: SchedulerName, rounds: number): number[] {
  const scheduler = schedulerOf(name);
  const reals = candidates();
  choices(scheduler, reals);
  return Array.from({ length: rounds }, () => {
    const startedMs = performance.now();
    for (let round = 0; round < ROUNDS_PER_SAMPLE; round++) choices(scheduler, reals);
    return ((performance.now() - startedMs) * 1000) / (ROUNDS_PER_SAMPLE * CLIENTS);
  });
}

function choices(scheduler: Scheduler, reals: readonly Candidate[]): void {
  for (let client = 0; client < CLIENTS; client++) {
    const asked = { client: (ipv4('198.51.100.0') + client) as Ipv4Address, clientPort: 40_000 };
    const service = { vip: ip('192.0.2.10'), port: 80, protocol: 'tcp' } as const;
    scheduler.choose(reals, { ...asked, ...service, nowMs: 0, random: Math.random })?.commit?.();
  }
}

function candidates(): Candidate[] {
  return Array.from({ length: REALS }, (_, i) => ({
    index: i + 1,
    address: (ipv4('10.1.0.1') + i) as Ipv4Address,
    weight: 1 + (i % 100),
    active: i % 7,
    inactive: 0,
    overloaded: false,
  }));
}

function schedulerOf(scheduler: SchedulerName): Scheduler {
  const service: Service = {
    vip: ip('192.0.2.10'),
    protocol: 'tcp',
    port: 80,
    scheduler,
    hashOn: 'flow',
    tunnel: { type: 'ipip' },
    blackhole: { policy: 'cure', after: 2 },
    schedulerFlags: scheduler === 'sh' ? ['sh-fallback'] : [],
    reals: [],
  };
  return createScheduler(service, new Uint8Array(16).fill(7));
}
