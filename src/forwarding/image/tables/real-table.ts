// The table of real servers in the image: address, tunnel, path and next hop of each.
import { type IpAddress, ipBytes, isIpv6 } from '../../../net/address/ip-address.ts';
import type { Ipv4Address } from '../../../net/address/ipv4-address.ts';
import { readIpv6Address } from '../../../net/address/ipv6-address.ts';
import type { RealIndex } from '../../decision.ts';
import type { Tunnel } from '../../forwarding-table.ts';
import { sameTunnel } from '../../tunnel/kind.ts';
import { IndexPool } from './index-pool.ts';
import { REAL, REAL_FLAGS, REAL_REDIRECT, REAL_STATE, REAL_VLAN, REALS } from './layout.ts';
import { OwnWords } from './own-words.ts';
import { fastPathKnows, readTunnel, writeTunnel } from './real-tunnel.ts';

/** The way to a real server, as the control plane resolved it. */
export interface RealPath {
  /** The outer source address, of the real's family; undefined while there is no route. */
  readonly sourceAddress: IpAddress | undefined;
  /** The MTU of the path, outer header included. */
  readonly mtuBytes: number;
  /** The next hop; undefined while it is unknown: the slow path then sends by the kernel's routing. */
  readonly resolved: NextHop | undefined;
  /** True if the real is the director itself: its own stack gets the packets unchanged. */
  readonly local?: boolean | undefined;
}

export interface NextHop {
  readonly nextHopMac: Uint8Array;
  readonly sourceMac: Uint8Array;
  readonly ifIndex: number;
  /** The 802.1Q ID of frames that leave, 1..4094; undefined if they have no tag. */
  readonly vlan?: number | undefined;
  /** True if XDP can send there by redirection only, even packets that arrived on that interface. */
  readonly redirect?: boolean | undefined;
}

/** The content of one entry. */
export interface RealFields {
  readonly index: RealIndex;
  readonly address: IpAddress;
  readonly serviceIndex: number;
  readonly weight: number;
  readonly serving: boolean;
  /** True if the fast path sends: the next hop is known, and the fast path supports the tunnel. */
  readonly resolved: boolean;
  /** True if the real is the director itself. */
  readonly local: boolean;
  readonly tunnel: Tunnel;
  /** The bytes that the tunnel puts in front of a packet, the outer IP header included. */
  readonly overheadBytes: number;
  /** 0.0.0.0 or :: until the path is known. */
  readonly sourceAddress: IpAddress;
  readonly mtuBytes: number;
  readonly ifIndex: number;
  readonly vlan: number | undefined;
}

type NewReal = Pick<RealFields, 'address' | 'serviceIndex' | 'weight' | 'serving' | 'tunnel'>;

/** The MTU of a real until its path is known: that of Ethernet. */
const DEFAULT_MTU_BYTES = 1500;
const MAC_BYTES = 6;
const ADDRESS_BYTES = 16;
const SERVING_BIT = BigInt(REAL_STATE.serving) << 48n;
const RESOLVED_BIT = BigInt(REAL_STATE.resolved) << 48n;
const LOCAL_BIT = BigInt(REAL_STATE.local) << 48n;
/** The part of the state word that holds the MAC address; not 0 while the next hop is known. */
const MAC_MASK = (1n << 48n) - 1n;

/** The map `reals` of `bpf/layout.h`. A real keeps its index as long as it is configured. */
export class RealTable {
  readonly own: OwnWords;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  /** The first word of each entry: next hop MAC and state, which change together. */
  readonly #states: BigUint64Array<ArrayBuffer>;
  readonly #pool: IndexPool;

  constructor(reals: ArrayBuffer) {
    const size = REAL.size * REALS;
    this.own = new OwnWords(reals, size);
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

  isLocal(index: RealIndex): boolean {
    return (this.#view.getUint16(index * REAL.size + REAL.state, true) & REAL_STATE.local) !== 0;
  }

  /** Returns how many indices can be given out at that time. */
  available(nowTick: number): number {
    return this.#pool.available(nowTick);
  }

  /** Fills a free entry; see `available`. */
  add(real: NewReal): RealIndex {
    const index = this.#pool.take();
    this.#write(index, (at) => {
      this.#bytes.fill(0, at, at + REAL.size);
      this.#view.setUint16(at + REAL.mtuBytes, DEFAULT_MTU_BYTES, true);
      this.#bytes.set(ipBytes(real.address), at + REAL.outerDestinationBe);
      this.#view.setUint16(at + REAL.flags, isIpv6(real.address) ? REAL_FLAGS.outerIpv6 : 0, true);
      writeTunnel(this.#view, at, real.tunnel);
      this.#view.setUint16(at + REAL.weight, real.weight, true);
      this.#view.setUint16(at + REAL.serviceIndex, real.serviceIndex, true);
    });
    this.setServing(index, real.serving);
    return index;
  }

  /** Empties an entry, which nothing may name any more. */
  remove(index: RealIndex, nowTick: number): void {
    this.#write(index, (at) => {
      Atomics.store(this.#states, stateWord(index), 0n);
      this.#view.setUint16(at + REAL.serviceIndex, 0, true);
    });
    this.#pool.release(index, nowTick);
  }

  setServing(index: RealIndex, serving: boolean): void {
    this.#write(index, () => {
      const state = Atomics.load(this.#states, stateWord(index));
      Atomics.store(this.#states, stateWord(index), serving ? state | SERVING_BIT : state & ~SERVING_BIT);
    });
  }

  isOverloaded(index: RealIndex): boolean {
    return (this.#view.getUint16(index * REAL.size + REAL.flags, true) & REAL_FLAGS.overloaded) !== 0;
  }

  setOverloaded(index: RealIndex, overloaded: boolean): void {
    this.#write(index, (at) => {
      const others = this.#view.getUint16(at + REAL.flags, true) & ~REAL_FLAGS.overloaded;
      const flag = overloaded ? REAL_FLAGS.overloaded : 0;
      this.#view.setUint16(at + REAL.flags, others | flag, true);
    });
  }

  weightOf(index: RealIndex): number {
    return this.#view.getUint16(index * REAL.size + REAL.weight, true);
  }

  setWeight(index: RealIndex, weight: number): void {
    this.#write(index, (at) => this.#view.setUint16(at + REAL.weight, weight, true));
  }

  /**
   * Sets the tunnel. The entry is unresolved during the change, so that no frame mixes two tunnels.
   * @returns false if the entry has that tunnel already
   */
  setTunnel(index: RealIndex, tunnel: Tunnel): boolean {
    const at = index * REAL.size;
    if (sameTunnel(readTunnel(this.#view, at), tunnel)) return false;
    this.#write(index, () => {
      const state = Atomics.load(this.#states, stateWord(index));
      Atomics.store(this.#states, stateWord(index), state & ~RESOLVED_BIT);
      writeTunnel(this.#view, at, tunnel);
      this.#setNextHop(index, state & (SERVING_BIT | LOCAL_BIT), state & MAC_MASK);
    });
    return true;
  }

  /** Sets the path MTU alone: a packet under way may still be measured by the former one. */
  setMtu(index: RealIndex, mtuBytes: number): void {
    this.#write(index, (at) => this.#view.setUint16(at + REAL.mtuBytes, mtuBytes, true));
  }

  /**
   * Sets the path. If more than the next hop's MAC changes, the entry is unresolved during the change, so that no frame mixes two
   * paths.
   */
  setPath(index: RealIndex, path: RealPath): void {
    this.#write(index, (at) => {
      const kept = Atomics.load(this.#states, stateWord(index)) & SERVING_BIT;
      if (!this.#sameButNextHop(at, path)) {
        Atomics.store(this.#states, stateWord(index), kept);
        this.#view.setUint16(at + REAL.mtuBytes, path.mtuBytes, true);
        this.#setSource(at, path.sourceAddress);
        this.#view.setUint32(at + REAL.ifIndex, exitWord(path.resolved), true);
        this.#bytes.set(path.resolved?.sourceMac ?? new Uint8Array(MAC_BYTES), at + REAL.sourceMac);
        this.#view.setUint16(at + REAL.vlan, vlanWord(path.resolved), true);
      }
      const local = path.local === true ? LOCAL_BIT : 0n;
      this.#setNextHop(
        index,
        kept | local,
        path.resolved === undefined ? 0n : macWord(path.resolved.nextHopMac),
      );
    });
  }

  read(index: RealIndex): RealFields {
    const at = index * REAL.size;
    const state = this.#view.getUint16(at + REAL.state, true);
    const vlan = this.#view.getUint16(at + REAL.vlan, true);
    return {
      index,
      address: this.#address(at, REAL.outerDestinationBe),
      serviceIndex: this.#view.getUint16(at + REAL.serviceIndex, true),
      weight: this.#view.getUint16(at + REAL.weight, true),
      serving: (state & REAL_STATE.serving) !== 0,
      resolved: (state & REAL_STATE.resolved) !== 0,
      local: (state & REAL_STATE.local) !== 0,
      tunnel: readTunnel(this.#view, at),
      overheadBytes: this.#view.getUint8(at + REAL.overheadBytes),
      sourceAddress: this.#address(at, REAL.outerSourceBe),
      mtuBytes: this.#view.getUint16(at + REAL.mtuBytes, true),
      ifIndex: this.#view.getUint32(at + REAL.ifIndex, true) & ~REAL_REDIRECT,
      vlan: vlan & REAL_VLAN ? vlan & ~REAL_VLAN : undefined,
    };
  }

  *used(): Generator<RealIndex> {
    for (let index = 1; index < REALS; index++) if (this.isUsed(index)) yield index;
  }

  /** Changes an entry: first restores what others overwrote, then adopts the new content. */
  #write(index: RealIndex, change: (at: number) => void): void {
    const words = REAL.size / 4;
    this.own.mend(index * words, (index + 1) * words);
    change(index * REAL.size);
    this.own.adopt(index * words, (index + 1) * words);
  }

  /**
   * Stores the first word, which commits what was written to the entry. @param state without RESOLVED_BIT @param mac from
   * `macWord`; 0: not known
   */
  #setNextHop(index: RealIndex, state: bigint, mac: bigint): void {
    const isFast = mac !== 0n && fastPathKnows(this.#view, index * REAL.size);
    Atomics.store(this.#states, stateWord(index), state | mac | (isFast ? RESOLVED_BIT : 0n));
  }

  /** Reads an address of the same family as the real's own. */
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
      this.#view.getUint32(at + REAL.ifIndex, true) === exitWord(path.resolved) &&
      this.#view.getUint16(at + REAL.vlan, true) === vlanWord(path.resolved) &&
      (path.resolved?.sourceMac ?? []).every((byte, i) => this.#bytes[at + REAL.sourceMac + i] === byte)
    );
  }
}

function stateWord(index: RealIndex): number {
  return (index * REAL.size) / 8;
}

function exitWord(nextHop: NextHop | undefined): number {
  if (nextHop === undefined) return 0;
  return nextHop.redirect === true ? (nextHop.ifIndex | REAL_REDIRECT) >>> 0 : nextHop.ifIndex;
}

function vlanWord(nextHop: NextHop | undefined): number {
  return nextHop?.vlan === undefined ? 0 : nextHop.vlan | REAL_VLAN;
}

function macWord(mac: Uint8Array): bigint {
  return mac.reduceRight((word, byte) => (word << 8n) | BigInt(byte), 0n);
}
