// Rates, and counts since zeroing, of the counters of a plane.
import type { ServiceCounters, TrafficCounters } from '../../dataplane/data-plane.ts';
import type { ServiceKey } from '../../forwarding/forwarding-table.ts';
import { formatServiceName } from '../../forwarding/service-name.ts';
import type { IpAddress } from '../../net/address/ip-address.ts';

/** The traffic of a real that ipvsadm shows. */
export interface TrafficAccount {
  /** Counted since it was zeroed last. */
  readonly sinceZero: TrafficCounters;
  readonly perSecond: TrafficCounters;
}

/** Returns the account of each real, by its service. */
export type TrafficAccounts = (
  service: ServiceKey,
  real: IpAddress,
  counted: TrafficCounters,
) => TrafficAccount;

/** The weight of a new rate beside the former ones, as in IPVS (net/netfilter/ipvs/ip_vs_est.c): a quarter. */
const WEIGHT = 1 / 4;
const NOTHING: TrafficCounters = { connections: 0, packets: 0, bytes: 0 };

interface Entry {
  /** Counted when it was zeroed. */
  base: TrafficCounters;
  last: TrafficCounters;
  rate: TrafficCounters;
}

type Entries = Map<string, Map<IpAddress, Entry>>;

/**
 * Derives from a plane's counters how fast they grow, and how much since somebody reset them. The counters themselves only grow,
 * as those who graph them rely on it.
 */
export class TrafficBook {
  #services: Entries = new Map();
  #sampledMs = 0;

  /** Takes a sample. Call it every two seconds. Reals that are not among the counters any more are forgotten. */
  sample(services: readonly ServiceCounters[], nowMs: number): void {
    const seconds = (nowMs - this.#sampledMs) / 1000;
    const after: Entries = new Map();
    for (const { key, reals } of services) {
      const name = formatServiceName(key);
      const before = this.#services.get(name);
      const entries = new Map<IpAddress, Entry>();
      for (const counted of reals) {
        const entry = before?.get(counted.address);
        if (entry !== undefined) advance(entry, counted, seconds);
        entries.set(counted.address, entry ?? { base: NOTHING, last: counted, rate: NOTHING });
      }
      after.set(name, entries);
    }
    this.#services = after;
    this.#sampledMs = nowMs;
  }

  /** Counts these from 0 again, their rates too. */
  zero(services: readonly ServiceCounters[]): void {
    for (const { key, reals } of services) {
      const entries = reals.map(
        (counted) => [counted.address, { base: counted, last: counted, rate: NOTHING }] as const,
      );
      this.#services.set(formatServiceName(key), new Map(entries));
    }
  }

  readonly accounts: TrafficAccounts = (service, real, counted) => {
    const entry = this.#services.get(formatServiceName(service))?.get(real);
    if (entry === undefined) return { sinceZero: counted, perSecond: NOTHING };
    return { sinceZero: grown(counted, entry.base), perSecond: entry.rate };
  };
}

function advance(entry: Entry, counted: TrafficCounters, seconds: number): void {
  const growth = grown(counted, entry.last);
  entry.rate = combine(entry.rate, growth, (rate, more) => rate + (more / seconds - rate) * WEIGHT);
  entry.last = counted;
}

/** A real that was away and is back counts from nothing. */
function grown(now: TrafficCounters, before: TrafficCounters): TrafficCounters {
  return combine(now, before, (a, b) => (a >= b ? a - b : a));
}

function combine(
  a: TrafficCounters,
  b: TrafficCounters,
  by: (a: number, b: number) => number,
): TrafficCounters {
  return {
    connections: by(a.connections, b.connections),
    packets: by(a.packets, b.packets),
    bytes: by(a.bytes, b.bytes),
  };
}
