// Builds weighted Maglev rings.
import { createHmac } from 'node:crypto';
import { type IpAddress, ipBytes } from '../../net/address/ip-address.ts';

/** A real as the ring sees it: its address and weight. */
export interface RingMember {
  readonly address: IpAddress;
  /** At 0 the member gets no slot. */
  readonly weight: number;
}

/** The value of a ring slot without a member, as all weights are 0. */
export const NO_MEMBER = 0xffff;

const MIN_SLOTS = 4096;
const MAX_SLOTS = 1 << 18;
const SLOTS_PER_MEMBER = 400;

/**
 * Returns the number of slots of a service's ring: enough that whole slots follow the weights and a failure moves few other
 * flows.
 */
export function ringSize(configuredMembers: number): number {
  const wanted = Math.max(MIN_SLOTS, SLOTS_PER_MEMBER * configuredMembers);
  return Math.min(MAX_SLOTS, 1 << (32 - Math.clz32(wanted - 1)));
}

/**
 * Builds a weighted Maglev ring (Eisenbud et al., NSDI 2016, section 3.4): each member in turn takes the first free slot of its
 * own permutation of the slots. The result depends on the addresses, weights and key, not on the order of the members.
 *
 * Turns follow credit: with W the greatest weight, the k-th turn of a member of weight w falls in round (k + 1/2) W / w. So a
 * member has its exact quota of slots, rounded, and at least one. When others come and go its own turns stay where they were,
 * which keeps the disruption at Maglev's own.
 * @param slots a power of two, so that every odd skip gives a permutation
 * @returns for each slot the position in `members`, or `NO_MEMBER`
 */
export function buildRing(members: readonly RingMember[], slots: number, hashKey: Uint8Array): Uint16Array {
  const ring = new Uint16Array(slots).fill(NO_MEMBER);
  const order = members.flatMap(({ weight }, position) => (weight > 0 ? [position] : []));
  if (order.length === 0) return ring;
  order.sort((a, b) => (member(members, a).address < member(members, b).address ? -1 : 1));
  const walks = order.map((position) => permutation(member(members, position).address, hashKey));
  const filler: Filler = {
    ring,
    order: Uint16Array.from(order),
    next: Uint32Array.from(walks, ({ offset }) => offset & (slots - 1)),
    skip: Uint32Array.from(walks, ({ skip }) => skip & (slots - 1)),
    free: slots,
  };
  fill(
    filler,
    order.map((position) => member(members, position).weight),
  );
  return ring;
}

function member(members: readonly RingMember[], position: number): RingMember {
  return members[position] as RingMember;
}

interface Filler {
  readonly ring: Uint16Array;
  readonly order: Uint16Array;
  readonly next: Uint32Array;
  readonly skip: Uint32Array;
  free: number;
}

/** Fills the slots. The rounds form a calendar: `due[round]` heads the list of the members whose next turn falls in it. */
function fill(filler: Filler, weights: readonly number[]): void {
  const slots = filler.ring.length;
  const greatest = Math.max(...weights);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const rounds = Math.ceil((slots * greatest) / sum);
  const due = new Int32Array(rounds + weights.length + 1).fill(-1);
  const later = new Int32Array(weights.length);
  const turns = new Uint32Array(weights.length);
  const period = Float64Array.from(weights, (weight) => greatest / weight);
  const schedule = (index: number, round: number): void => {
    if (round >= due.length) return;
    later[index] = due[round] as number;
    due[round] = index;
  };
  const first = (index: number): number => Math.floor(Math.min(period[index] as number, rounds) / 2);
  for (let index = weights.length - 1; index >= 0; index--) schedule(index, first(index));
  for (let round = 0; filler.free > 0; round++) {
    for (let index = due[round] as number; index >= 0 && filler.free > 0; ) {
      const following = later[index] as number;
      takeSlot(filler, index);
      const turn = (turns[index] = (turns[index] as number) + 1);
      schedule(index, Math.max(round + 1, Math.floor((turn + 0.5) * (period[index] as number))));
      index = following;
    }
  }
}

function takeSlot(filler: Filler, index: number): void {
  const { ring, skip } = filler;
  const step = skip[index] as number;
  const mask = ring.length - 1;
  let slot = filler.next[index] as number;
  while (ring[slot] !== NO_MEMBER) slot = (slot + step) & mask;
  ring[slot] = filler.order[index] as number;
  filler.next[index] = (slot + step) & mask;
  filler.free--;
}

interface Permutation {
  readonly offset: number;
  readonly skip: number;
}

const CACHED_PERMUTATIONS = 1 << 17;
let cachedKey = '';
const cache = new Map<IpAddress, Permutation>();

/** Returns a member's permutation of the slots. It is keyed, so that clients who know the addresses cannot predict the ring. */
function permutation(address: IpAddress, hashKey: Uint8Array): Permutation {
  const key = Buffer.from(hashKey).toString('hex');
  if (key !== cachedKey || cache.size >= CACHED_PERMUTATIONS) cache.clear();
  cachedKey = key;
  const known = cache.get(address);
  if (known) return known;
  const digest = createHmac('sha256', hashKey).update(ipBytes(address)).digest();
  const made = { offset: digest.readUInt32LE(0), skip: (digest.readUInt32LE(4) | 1) >>> 0 };
  cache.set(address, made);
  return made;
}
