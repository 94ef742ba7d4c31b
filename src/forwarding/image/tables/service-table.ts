// The hash table of services in the image, which the fast path reads while it is written.
import { type IpAddress, ipBytes, isIpv6 } from '../../../net/address/ip-address.ts';
import type { Ipv4Address } from '../../../net/address/ipv4-address.ts';
import { readIpv6Address } from '../../../net/address/ipv6-address.ts';
import type { Claim } from '../../forwarding-table.ts';
import { swap16 } from './byte-order.ts';
import {
  SERVICE,
  SERVICE_BUCKET_BITS,
  SERVICE_BUCKETS,
  SERVICE_IPV6,
  SERVICE_KIND,
  SERVICE_PROBES,
  VIP_CLAIM,
} from './layout.ts';
import { OwnWords } from './own-words.ts';

/** A service's key in the table. Port 0 and protocol 0 stand for the VIP itself. */
export interface BucketKey {
  readonly vip: IpAddress;
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
const CLAIMS = Object.keys(VIP_CLAIM) as Claim[];
const VIP_BYTES = 16;
const VIP_WORDS = 4;

/** The map `services` of `bpf/layout.h`: open addressing, read by the fast path while it is written. */
export class ServiceTable {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly own: OwnWords;
  readonly #words: Uint32Array;
  readonly #rings: BigUint64Array<ArrayBuffer>;

  constructor(services: ArrayBuffer) {
    const bytes = SERVICE.size * SERVICE_BUCKETS;
    this.#view = new DataView(services, 0, bytes);
    this.#bytes = new Uint8Array(services, 0, bytes);
    this.own = new OwnWords(services, bytes);
    this.#words = this.own.words;
    this.#rings = new BigUint64Array(services, 0, bytes / 8);
  }

  /** Returns the bucket of the entry, or -1. */
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
    const protocol = this.#view.getUint8(at + SERVICE.protocol);
    return {
      vip:
        protocol & SERVICE_IPV6
          ? readIpv6Address(this.#bytes, at + SERVICE.vipBe)
          : (this.#view.getUint32(at + SERVICE.vipBe) as Ipv4Address),
      port: this.#view.getUint16(at + SERVICE.portBe),
      protocol: protocol & ~SERVICE_IPV6,
      kind: this.kind(bucket),
      index: this.#view.getUint16(at + SERVICE.index, true),
      portMask: this.#view.getUint16(at + SERVICE.portMask, true),
      firstSlot: Number(ring & 0xffff_ffffn),
      slotCount: Number(ring >> 32n),
    };
  }

  /** Yields all filled buckets in order. */
  *entries(): Generator<BucketEntry> {
    for (let bucket = 0; bucket < SERVICE_BUCKETS; bucket++) {
      if (this.kind(bucket) !== SERVICE_KIND.empty) yield this.read(bucket);
    }
  }

  /** Returns true if every key finds a bucket, in this order, once those of `removed` are empty. */
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

  /** Fills a bucket, storing its kind last. Returns false when all its buckets are taken; see `fits`. */
  insert(entry: BucketEntry): boolean {
    const bucket = probes(entry).find((candidate) => this.kind(candidate) === SERVICE_KIND.empty);
    if (bucket === undefined) return false;
    const at = bucket * SERVICE.size;
    this.#words.set(vipWords(entry.vip), (at + SERVICE.vipBe) / 4);
    this.#view.setUint16(at + SERVICE.portBe, entry.port);
    this.#view.setUint8(at + SERVICE.protocol, protocolByte(entry));
    this.#view.setUint16(at + SERVICE.index, entry.index, true);
    this.#view.setUint16(at + SERVICE.portMask, entry.portMask, true);
    this.setRing(bucket, entry.firstSlot, entry.slotCount);
    this.#storeKind(bucket, entry.kind);
    this.#adopt(bucket);
    return true;
  }

  remove(bucket: number): void {
    this.#storeKind(bucket, SERVICE_KIND.empty);
    Atomics.store(this.#rings, (bucket * SERVICE.size + SERVICE.ring) / 8, EMPTY_RING);
    this.#adopt(bucket);
  }

  /** Changes the place of the service's slots, in one atomic word. */
  setRing(bucket: number, firstSlot: number, slotCount: number): void {
    const ring = (BigInt(slotCount) << 32n) | BigInt(firstSlot);
    Atomics.store(this.#rings, (bucket * SERVICE.size + SERVICE.ring) / 8, ring);
    this.#adopt(bucket);
  }

  /** Sets the claim in a VIP's own entry. */
  setClaim(bucket: number, claim: Claim): void {
    this.#view.setUint16(bucket * SERVICE.size + SERVICE.index, VIP_CLAIM[claim], true);
    this.#adopt(bucket);
  }

  /** Reads the claim of a VIP's own entry. */
  claim(bucket: number): Claim {
    const code = this.#view.getUint16(bucket * SERVICE.size + SERVICE.index, true);
    return CLAIMS.find((claim) => VIP_CLAIM[claim] === code) ?? 'always';
  }

  #adopt(bucket: number): void {
    const at = (bucket * SERVICE.size) / 4;
    this.own.adopt(at, at + SERVICE.size / 4);
  }

  #holds(bucket: number, key: BucketKey): boolean {
    const at = (bucket * SERVICE.size) / 4;
    const inKind = ((this.#words[at + VIP_WORDS] as number) & 0xff_ffff) >>> 0;
    return (
      inKind === transportWord(key) && vipWords(key.vip).every((word, i) => this.#words[at + i] === word)
    );
  }

  /**
   * Stores the kind, which commits the entry. It shares a 32-bit word with port and protocol, which are in place already: the
   * word is stored atomically.
   */
  #storeKind(bucket: number, kind: number): void {
    const at = (bucket * SERVICE.size + SERVICE.portBe) / 4;
    Atomics.store(this.#words, at, (((this.#words[at] as number) & 0xff_ffff) | (kind << 24)) >>> 0);
  }
}

function probes(key: BucketKey): number[] {
  const first = firstBucket(key);
  return Array.from({ length: SERVICE_PROBES }, (_, step) => (first + step) & (SERVICE_BUCKETS - 1));
}

function firstBucket(key: BucketKey): number {
  const folded = vipWords(key.vip).reduce((sum, word) => sum ^ word, transportWord(key));
  const hash = Math.imul(folded, 0x9e3779b1);
  return Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> (32 - SERVICE_BUCKET_BITS);
}

/** Returns the words of an address as in memory; the last three of an IPv4 address are 0. */
function vipWords(vip: IpAddress): Uint32Array {
  const bytes = new Uint8Array(VIP_BYTES);
  bytes.set(ipBytes(vip));
  return new Uint32Array(bytes.buffer);
}

/** Returns port and protocol as in memory, without the kind. */
function transportWord(key: BucketKey): number {
  return swap16(key.port) | (protocolByte(key) << 16);
}

function protocolByte({ vip, protocol }: BucketKey): number {
  return isIpv6(vip) ? protocol | SERVICE_IPV6 : protocol;
}
