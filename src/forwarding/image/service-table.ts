import { swap16, swap32 } from './byte-order.ts';
import { SERVICE, SERVICE_BUCKET_BITS, SERVICE_BUCKETS, SERVICE_KIND, SERVICE_PROBES } from './layout.ts';

/** A service's key as the table holds it; port 0 and protocol 0 for the VIP itself. */
export interface BucketKey {
  readonly vip: number;
  readonly port: number;
  readonly protocol: number;
}

export interface BucketEntry extends BucketKey {
  readonly kind: number;
  readonly index: number;
  readonly portMask: number;
  readonly firstSlot: number;
  readonly slotCount: number;
}

const EMPTY_RING = 0n;

/** Map `services` of `bpf/layout.h`: open addressing, read by the fast path while it is written. */
export class ServiceTable {
  readonly #view: DataView;
  readonly #words: Uint32Array;
  readonly #rings: BigUint64Array<ArrayBuffer>;

  constructor(services: ArrayBuffer) {
    const bytes = SERVICE.size * SERVICE_BUCKETS;
    this.#view = new DataView(services, 0, bytes);
    this.#words = new Uint32Array(services, 0, bytes / 4);
    this.#rings = new BigUint64Array(services, 0, bytes / 8);
  }

  /** Bucket of the entry, or -1. */
  find(key: BucketKey): number {
    for (const bucket of probes(key)) {
      if (this.kind(bucket) !== SERVICE_KIND.empty && this.#holds(bucket, key)) return bucket;
    }
    return -1;
  }

  kind(bucket: number): number {
    return this.#view.getUint8(bucket * SERVICE.size + SERVICE.kind);
  }

  read(bucket: number): BucketEntry {
    const at = bucket * SERVICE.size;
    const ring = Atomics.load(this.#rings, (at + SERVICE.ring) / 8);
    return {
      vip: this.#view.getUint32(at + SERVICE.vipBe),
      port: this.#view.getUint16(at + SERVICE.portBe),
      protocol: this.#view.getUint8(at + SERVICE.protocol),
      kind: this.kind(bucket),
      index: this.#view.getUint16(at + SERVICE.index, true),
      portMask: this.#view.getUint16(at + SERVICE.portMask, true),
      firstSlot: Number(ring & 0xffff_ffffn),
      slotCount: Number(ring >> 32n),
    };
  }

  /** All that is filled, bucket by bucket. */
  *entries(): Generator<BucketEntry> {
    for (let bucket = 0; bucket < SERVICE_BUCKETS; bucket++) {
      if (this.kind(bucket) !== SERVICE_KIND.empty) yield this.read(bucket);
    }
  }

  /** True if every key finds a bucket, in this order, once those of `removed` are empty. */
  fits(added: readonly BucketKey[], removed: readonly BucketKey[]): boolean {
    if (added.length === 0) return true;
    const taken = Uint8Array.from({ length: SERVICE_BUCKETS }, (_, bucket) => this.kind(bucket));
    for (const key of removed) {
      const bucket = this.find(key);
      if (bucket >= 0) taken[bucket] = 0;
    }
    return added.every((key) => {
      const bucket = probes(key).find((candidate) => taken[candidate] === 0);
      if (bucket === undefined) return false;
      taken[bucket] = 1;
      return true;
    });
  }

  /** Fills a bucket, its kind last. False when all its buckets are taken; see `fits`. */
  insert(entry: BucketEntry): boolean {
    const bucket = probes(entry).find((candidate) => this.kind(candidate) === SERVICE_KIND.empty);
    if (bucket === undefined) return false;
    const at = bucket * SERVICE.size;
    this.#words.fill(0, at / 4, (at + SERVICE.vipBe + 16) / 4);
    this.#view.setUint32(at + SERVICE.vipBe, entry.vip);
    this.#view.setUint16(at + SERVICE.portBe, entry.port);
    this.#view.setUint8(at + SERVICE.protocol, entry.protocol);
    this.#view.setUint16(at + SERVICE.index, entry.index, true);
    this.#view.setUint16(at + SERVICE.portMask, entry.portMask, true);
    this.setRing(bucket, entry.firstSlot, entry.slotCount);
    this.#storeKind(bucket, entry.kind);
    return true;
  }

  remove(bucket: number): void {
    this.#storeKind(bucket, SERVICE_KIND.empty);
    Atomics.store(this.#rings, (bucket * SERVICE.size + SERVICE.ring) / 8, EMPTY_RING);
  }

  /** Changes where the service's slots are, in one atomic word. */
  setRing(bucket: number, firstSlot: number, slotCount: number): void {
    const ring = (BigInt(slotCount) << 32n) | BigInt(firstSlot);
    Atomics.store(this.#rings, (bucket * SERVICE.size + SERVICE.ring) / 8, ring);
  }

  #holds(bucket: number, key: BucketKey): boolean {
    const at = (bucket * SERVICE.size) / 4;
    const address = swap32(key.vip);
    const transport = (swap16(key.port) | (key.protocol << 16)) >>> 0;
    const inKind = ((this.#words[at + 4] as number) & 0xff_ffff) >>> 0;
    return this.#words[at] === address && inKind === transport;
  }

  /** Kind shares a 32-bit word with port and protocol, which are in place already: the word is stored atomically. */
  #storeKind(bucket: number, kind: number): void {
    const at = (bucket * SERVICE.size + SERVICE.portBe) / 4;
    Atomics.store(this.#words, at, (((this.#words[at] as number) & 0xff_ffff) | (kind << 24)) >>> 0);
  }
}

function probes(key: BucketKey): number[] {
  const first = firstBucket(key);
  return Array.from({ length: SERVICE_PROBES }, (_, step) => (first + step) & (SERVICE_BUCKETS - 1));
}

function firstBucket({ vip, port, protocol }: BucketKey): number {
  const hash = Math.imul(swap32(vip) ^ (swap16(port) | (protocol << 16)), 0x9e3779b1);
  return Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> (32 - SERVICE_BUCKET_BITS);
}
