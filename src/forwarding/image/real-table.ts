import { type IpAddress, ipBytes, isIpv6 } from '../../net/ip-address.ts';
import type { Ipv4Address } from '../../net/ipv4-address.ts';
import { readIpv6Address } from '../../net/ipv6-address.ts';
import type { RealIndex } from '../decision.ts';
import { IndexPool } from './index-pool.ts';
import { REAL, REAL_FLAGS, REAL_STATE, REALS } from './layout.ts';

/** The way to a real server, as the control plane has resolved it. */
export interface RealPath {
  /** Of the real's family; undefined while there is no route. */
  readonly sourceAddress: IpAddress | undefined;
  /** Of the path, outer header included. */
  readonly mtuBytes: number;
  /** Undefined while the next hop is unknown: the slow path sends, by the kernel's routing. */
  readonly resolved: NextHop | undefined;
}

export interface NextHop {
  readonly nextHopMac: Uint8Array;
  readonly sourceMac: Uint8Array;
  readonly ifIndex: number;
}

/** What one entry says. */
export interface RealFields {
  readonly index: RealIndex;
  readonly address: IpAddress;
  readonly serviceIndex: number;
  readonly weight: number;
  readonly serving: boolean;
  readonly resolved: boolean;
  /** 0 or :: until the path is known. */
  readonly sourceAddress: IpAddress;
  readonly mtuBytes: number;
  readonly ifIndex: number;
}

/** Until its path is known a real is taken to be an Ethernet away. */
const DEFAULT_MTU_BYTES = 1500;
const MAC_BYTES = 6;
const ADDRESS_BYTES = 16;
const SERVING_BIT = BigInt(REAL_STATE.serving) << 48n;
const RESOLVED_BIT = BigInt(REAL_STATE.resolved) << 48n;

/** Map `reals` of `bpf/layout.h`. A real keeps its index as long as it is configured. */
export class RealTable {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  /** First word of each entry: next hop MAC and state, which change together. */
  readonly #states: BigUint64Array<ArrayBuffer>;
  readonly #pool: IndexPool;

  constructor(reals: ArrayBuffer) {
    const size = REAL.size * REALS;
    this.#view = new DataView(reals, 0, size);
    this.#bytes = new Uint8Array(reals, 0, size);
    this.#states = new BigUint64Array(reals, 0, size / 8);
    this.#pool = new IndexPool(REALS, (index) => this.isUsed(index));
  }

  isUsed(index: RealIndex): boolean {
    return this.#view.getUint16(index * REAL.size + REAL.serviceIndex, true) !== 0;
  }

  isServing(index: RealIndex): boolean {
    return (this.#view.getUint16(index * REAL.size + REAL.state, true) & REAL_STATE.serving) !== 0;
  }

  /** Indices that can be given out at that time. */
  available(nowTick: number): number {
    return this.#pool.available(nowTick);
  }

  /** Fills a free entry; see `available`. */
  add(real: Pick<RealFields, 'address' | 'serviceIndex' | 'weight' | 'serving'>): RealIndex {
    const index = this.#pool.take();
    const at = index * REAL.size;
    this.#bytes.fill(0, at, at + REAL.size);
    this.#view.setUint16(at + REAL.mtuBytes, DEFAULT_MTU_BYTES, true);
    this.#bytes.set(ipBytes(real.address), at + REAL.outerDestinationBe);
    this.#view.setUint16(at + REAL.flags, isIpv6(real.address) ? REAL_FLAGS.outerIpv6 : 0, true);
    this.#view.setUint16(at + REAL.weight, real.weight, true);
    this.#view.setUint16(at + REAL.serviceIndex, real.serviceIndex, true);
    this.setServing(index, real.serving);
    return index;
  }

  /** Empties an entry; nothing may name it any more. */
  remove(index: RealIndex, nowTick: number): void {
    Atomics.store(this.#states, stateWord(index), 0n);
    this.#view.setUint16(index * REAL.size + REAL.serviceIndex, 0, true);
    this.#pool.release(index, nowTick);
  }

  setServing(index: RealIndex, serving: boolean): void {
    const state = Atomics.load(this.#states, stateWord(index));
    Atomics.store(this.#states, stateWord(index), serving ? state | SERVING_BIT : state & ~SERVING_BIT);
  }

  setWeight(index: RealIndex, weight: number): void {
    this.#view.setUint16(index * REAL.size + REAL.weight, weight, true);
  }

  /** The path MTU alone: a frame under way may still be measured by the former one. */
  setMtu(index: RealIndex, mtuBytes: number): void {
    this.#view.setUint16(index * REAL.size + REAL.mtuBytes, mtuBytes, true);
  }

  /** While more than the next hop's MAC changes the entry is unresolved, so that no frame mixes two paths. */
  setPath(index: RealIndex, path: RealPath): void {
    const at = index * REAL.size;
    const kept = Atomics.load(this.#states, stateWord(index)) & SERVING_BIT;
    if (!this.#sameButNextHop(at, path)) {
      Atomics.store(this.#states, stateWord(index), kept);
      this.#view.setUint16(at + REAL.mtuBytes, path.mtuBytes, true);
      this.#setSource(at, path.sourceAddress);
      this.#view.setUint32(at + REAL.ifIndex, path.resolved?.ifIndex ?? 0, true);
      this.#bytes.set(path.resolved?.sourceMac ?? new Uint8Array(MAC_BYTES), at + REAL.sourceMac);
    }
    const resolved = path.resolved ? RESOLVED_BIT | macWord(path.resolved.nextHopMac) : 0n;
    Atomics.store(this.#states, stateWord(index), kept | resolved);
  }

  read(index: RealIndex): RealFields {
    const at = index * REAL.size;
    const state = this.#view.getUint16(at + REAL.state, true);
    return {
      index,
      address: this.#address(at, REAL.outerDestinationBe),
      serviceIndex: this.#view.getUint16(at + REAL.serviceIndex, true),
      weight: this.#view.getUint16(at + REAL.weight, true),
      serving: (state & REAL_STATE.serving) !== 0,
      resolved: (state & REAL_STATE.resolved) !== 0,
      sourceAddress: this.#address(at, REAL.outerSourceBe),
      mtuBytes: this.#view.getUint16(at + REAL.mtuBytes, true),
      ifIndex: this.#view.getUint32(at + REAL.ifIndex, true),
    };
  }

  *used(): Generator<RealIndex> {
    for (let index = 1; index < REALS; index++) if (this.isUsed(index)) yield index;
  }

  /** Of the family that the real's own address has. */
  #address(at: number, field: number): IpAddress {
    return this.#view.getUint16(at + REAL.flags, true) & REAL_FLAGS.outerIpv6
      ? readIpv6Address(this.#bytes, at + field)
      : (this.#view.getUint32(at + field) as Ipv4Address);
  }

  #setSource(at: number, address: IpAddress | undefined): void {
    this.#bytes.fill(0, at + REAL.outerSourceBe, at + REAL.outerSourceBe + ADDRESS_BYTES);
    if (address !== undefined) this.#bytes.set(ipBytes(address), at + REAL.outerSourceBe);
  }

  #hasSource(at: number, address: IpAddress | undefined): boolean {
    const source = this.#address(at, REAL.outerSourceBe);
    return address === undefined ? !source : source === address;
  }

  #sameButNextHop(at: number, path: RealPath): boolean {
    return (
      this.#view.getUint16(at + REAL.mtuBytes, true) === path.mtuBytes &&
      this.#hasSource(at, path.sourceAddress) &&
      this.#view.getUint32(at + REAL.ifIndex, true) === (path.resolved?.ifIndex ?? 0) &&
      (path.resolved?.sourceMac ?? []).every((byte, i) => this.#bytes[at + REAL.sourceMac + i] === byte)
    );
  }
}

function stateWord(index: RealIndex): number {
  return (index * REAL.size) / 8;
}

function macWord(mac: Uint8Array): bigint {
  return mac.reduceRight((word, byte) => (word << 8n) | BigInt(byte), 0n);
}
