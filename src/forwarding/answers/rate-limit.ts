// Token buckets that limit how many answers the director sends to each client and in total.
import { type IpAddress, isIpv6 } from '../../net/address/ip-address.ts';

/** A token bucket: at most `burst` at once, refilled by `perSecond`. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

export interface RateLimits {
  readonly perClient: Rate;
  readonly total: Rate;
  /** The number of clients whose buckets are remembered. The client that asked longest ago is forgotten first. */
  readonly clients: number;
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

/**
 * Limits answers for each client and in total. Memory is bounded: a flood from made-up addresses can make it forget clients, but
 * cannot exceed the total.
 */
export class RateLimiter {
  readonly #limits: RateLimits;
  readonly #clients = new Map<number | bigint, Bucket>();
  #total: Bucket;

  constructor(limits: RateLimits) {
    this.#limits = limits;
    this.#total = { tokens: limits.total.burst, filledAtMs: 0 };
  }

  /** Returns true if an answer to this client may be sent, and counts that answer. */
  take(client: IpAddress, nowMs: number): boolean {
    const bucket = this.#clientBucket(client, nowMs);
    const total = filled(this.#total, this.#limits.total, nowMs);
    const allowed = bucket.tokens >= 1 && total.tokens >= 1;
    if (allowed) {
      bucket.tokens -= 1;
      total.tokens -= 1;
    }
    this.#total = total;
    this.#remember(client, bucket);
    return allowed;
  }

  /** Returns what `take` would return, without counting an answer. */
  allows(client: IpAddress, nowMs: number): boolean {
    const total = filled(this.#total, this.#limits.total, nowMs);
    return total.tokens >= 1 && this.#clientBucket(client, nowMs).tokens >= 1;
  }

  #clientBucket(client: IpAddress, nowMs: number): Bucket {
    const { perClient } = this.#limits;
    const bucket = this.#clients.get(clientKey(client));
    return bucket === undefined
      ? { tokens: perClient.burst, filledAtMs: nowMs }
      : filled(bucket, perClient, nowMs);
  }

  #remember(client: IpAddress, bucket: Bucket): void {
    const key = clientKey(client);
    this.#clients.delete(key);
    this.#clients.set(key, bucket);
    if (this.#clients.size <= this.#limits.clients) return;
    for (const oldest of this.#clients.keys()) {
      this.#clients.delete(oldest);
      return;
    }
  }
}

/** Returns the bucket's key: an IPv4 address or an IPv6 /64, since one host has a whole /64 to send from. */
function clientKey(client: IpAddress): number | bigint {
  return isIpv6(client) ? client >> 64n : client;
}

function filled(bucket: Bucket, rate: Rate, nowMs: number): Bucket {
  const elapsedMs = Math.max(0, nowMs - bucket.filledAtMs);
  return {
    tokens: Math.min(rate.burst, bucket.tokens + (elapsedMs * rate.perSecond) / 1000),
    filledAtMs: nowMs,
  };
}
