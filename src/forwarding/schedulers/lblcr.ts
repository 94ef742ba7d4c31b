// The scheduler lblcr: locality-based least connection with replication.
import type { IpAddress } from '../../net/address/ip-address.ts';
import { isPressed } from './lblc.ts';
import { AddressCache } from './parts/address-cache.ts';
import { BY_FLOWS, BY_FLOWS_AND_WEIGHT, leastLoaded, loadBy } from './parts/real-load.ts';
import type { Candidate, Choice, ScheduleRequest, Scheduler } from './scheduler.ts';

/** The reals of one virtual address. */
interface Replicas {
  /** The number of the change with which each address joined. */
  readonly joined: ReadonlyMap<IpAddress, number>;
  readonly changes: number;
  readonly changedMs: number;
}

const NONE: Replicas = { joined: new Map(), changes: 0, changedMs: 0 };

/** The time without a change after which a set of several reals loses its most loaded one; as in IPVS. */
const SHRINKS_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * Locality-based least connection with replication: a virtual address has a set of reals and gets the one with the least load.
 * When that is pressed (see `lblc`), or none is eligible, a real chosen as by `wlc` joins the set.
 */
export class LocalityBasedReplicated implements Scheduler {
  readonly #cache = new AddressCache<Replicas>();

  choose(candidates: readonly Candidate[], { vip, nowMs }: ScheduleRequest): Choice | undefined {
    const replicas = this.#cache.get(vip, nowMs) ?? NONE;
    const members = membersOf(replicas, candidates);
    const shrunk = shrink(replicas, members, nowMs);
    const remember = (next: Replicas) => (): void => this.#cache.set(vip, next, nowMs);
    const least = leastLoaded(members, BY_FLOWS_AND_WEIGHT);
    const kept = least === undefined ? undefined : (members[least] as Candidate);
    if (kept !== undefined && !isPressed(kept, candidates)) {
      return { position: candidates.indexOf(kept), commit: remember(shrunk) };
    }
    const position = leastLoaded(candidates, BY_FLOWS_AND_WEIGHT);
    if (position === undefined) return undefined;
    const { address } = candidates[position] as Candidate;
    return { position, commit: remember(grow(shrunk, { address, members, nowMs })) };
  }
}

/**
 * Returns the members of the set that serve, the latest last: leastLoaded() prefers the last of equal ones, and IPVS the latest.
 */
function membersOf({ joined }: Replicas, candidates: readonly Candidate[]): Candidate[] {
  if (joined.size === 0) return [];
  const members = candidates.filter(({ address }) => joined.has(address));
  const rank = ({ address }: Candidate): number => joined.get(address) as number;
  return members.sort((a, b) => rank(a) - rank(b));
}

function shrink(replicas: Replicas, members: readonly Candidate[], nowMs: number): Replicas {
  const { joined, changes, changedMs } = replicas;
  if (joined.size < 2 || nowMs - changedMs <= SHRINKS_AFTER_MS) return replicas;
  const most = members.reduceRight<Candidate | undefined>(moreLoaded, undefined);
  if (most === undefined) return replicas;
  const rest = [...joined].filter(([address]) => address !== most.address);
  return { joined: new Map(rest), changes: changes + 1, changedMs: nowMs };
}

function moreLoaded(most: Candidate | undefined, next: Candidate): Candidate | undefined {
  if (next.weight === 0) return most;
  if (most === undefined) return next;
  const [mostLoad, nextLoad] = [loadBy(BY_FLOWS, most), loadBy(BY_FLOWS, next)];
  return mostLoad * next.weight >= nextLoad * most.weight ? most : next;
}

interface Growth {
  readonly address: IpAddress;
  /** The members of the set that serve. */
  readonly members: readonly Candidate[];
  readonly nowMs: number;
}

/**
 * Adds a real to the set. Members that do not serve any more leave at the same time; otherwise the set would grow without limit.
 */
function grow({ joined, changes, changedMs }: Replicas, { address, members, nowMs }: Growth): Replicas {
  if (joined.has(address)) return { joined, changes, changedMs };
  const rest = members.flatMap((member): [IpAddress, number][] => {
    const change = joined.get(member.address);
    return change === undefined ? [] : [[member.address, change]];
  });
  return { joined: new Map([...rest, [address, changes]]), changes: changes + 1, changedMs: nowMs };
}
