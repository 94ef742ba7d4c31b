// Finds flows that ICMP too-big answers do not reach, so that their packets leave in outer fragments.

/** A number that is the same when a packet is sent again: TCP's sequence number, UDP's length and checksum, SCTP's checksum. */
export type PacketIdentity = number;

export interface BlackholeLimits {
  /** The number of remembered flows that were answered, and likewise of cured ones. */
  readonly flows: number;
  /** The time without an oversize packet after which a flow is forgotten. */
  readonly idleMs: number;
}

interface ToldFlow {
  /** The number of answers to each packet; the packet seen longest ago comes first. */
  readonly answers: Map<PacketIdentity, number>;
  lastMs: number;
}

/**
 * The packets of one flow that are distinguished: more than an initial window, so that a packet retransmitted alone after a whole
 * window was refused is still known.
 */
const PACKETS_PER_FLOW = 16;

/**
 * Finds the flows that ICMP does not reach: those that send the same oversize packet again after they were answered. Cured flows
 * are kept apart from those that were only answered, so that a flood of new flows cannot displace them.
 */
export class Blackholes {
  readonly #limits: BlackholeLimits;
  readonly #told = new Map<string, ToldFlow>();
  readonly #cured = new Map<string, { lastMs: number }>();

  constructor(limits: BlackholeLimits) {
    this.#limits = limits;
  }

  isCured(flow: string, nowMs: number): boolean {
    const entry = this.#cured.get(flow);
    return entry !== undefined && nowMs - entry.lastMs <= this.#limits.idleMs;
  }

  /** Returns how often this packet of the flow has been answered. */
  timesTold(flow: string, identity: PacketIdentity, nowMs: number): number {
    const entry = this.#told.get(flow);
    if (entry === undefined || nowMs - entry.lastMs > this.#limits.idleMs) return 0;
    return entry.answers.get(identity) ?? 0;
  }

  recordAnswer(flow: string, identity: PacketIdentity, nowMs: number): void {
    const entry = this.#told.get(flow);
    const fresh = entry === undefined || nowMs - entry.lastMs > this.#limits.idleMs;
    const answers: Map<PacketIdentity, number> = fresh ? new Map() : entry.answers;
    touch(answers, identity, (answers.get(identity) ?? 0) + 1, PACKETS_PER_FLOW);
    touch(this.#told, flow, { answers, lastMs: nowMs }, this.#limits.flows);
  }

  /** Cures the flow from now on, for as long as it sends. */
  cure(flow: string, nowMs: number): void {
    this.#told.delete(flow);
    touch(this.#cured, flow, { lastMs: nowMs }, this.#limits.flows);
  }

  sweep(nowMs: number): void {
    forgetIdle(this.#told, nowMs - this.#limits.idleMs);
    forgetIdle(this.#cured, nowMs - this.#limits.idleMs);
  }

  get size(): number {
    return this.#told.size + this.#cured.size;
  }
}

/** Sets the entry as the last used one and forgets the first one when there are too many. */
function touch<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, limit: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= limit) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

function forgetIdle(flows: Map<string, { lastMs: number }>, beforeMs: number): void {
  for (const [flow, { lastMs }] of flows) {
    if (lastMs >= beforeMs) return;
    flows.delete(flow);
  }
}
