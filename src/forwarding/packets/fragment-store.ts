// Follows fragmented packets without reassembling them, within limits of packets, bytes and time.
import { type OwnedBytes, ownBytes } from '../../net/owned-bytes.ts';
import type { RealIndex } from '../decision.ts';

export interface FragmentLimits {
  /** The number of packets whose fragments are followed at one time. */
  readonly datagrams: number;
  /** The bytes held in total of fragments that arrived before their first one. */
  readonly heldBytes: number;
  readonly heldPerDatagram: number;
  /** The time after which a packet's fragments are not followed any more and held ones are dropped. */
  readonly timeoutMs: number;
}

export const DEFAULT_FRAGMENT_LIMITS: FragmentLimits = {
  datagrams: 4096,
  heldBytes: 4 << 20,
  heldPerDatagram: 64,
  timeoutMs: 30_000,
};

/** The first fragment's decision: the real that all fragments go to, or that none is forwarded. */
export type FragmentFate = { readonly real: RealIndex } | 'dropped';

interface Datagram {
  readonly expiresMs: number;
  readonly fate: FragmentFate | undefined;
  readonly held: OwnedBytes[];
}

/**
 * Follows fragmented packets by (source, destination, ID, protocol), without reassembling them. It is bounded in packets, bytes
 * and time; `takeDropped` counts what is dropped for that.
 */
export class FragmentStore {
  readonly #limits: FragmentLimits;
  readonly #datagrams = new Map<string, Datagram>();
  #heldBytes = 0;
  #dropped = 0;

  constructor(limits: FragmentLimits = DEFAULT_FRAGMENT_LIMITS) {
    this.#limits = limits;
  }

  fate(key: string, nowMs: number): FragmentFate | undefined {
    const datagram = this.#datagrams.get(key);
    return datagram === undefined || datagram.expiresMs <= nowMs ? undefined : datagram.fate;
  }

  /** Returns how many fragments wait for their first one. */
  heldCount(key: string): number {
    return this.#datagrams.get(key)?.held.length ?? 0;
  }

  /**
   * Decides for all fragments of the packet; returns those held, in the order of arrival. The time starts again, since an ID can
   * be reused while the former packet's entry still lives.
   */
  decide(key: string, fate: FragmentFate, nowMs: number): OwnedBytes[] {
    this.sweep(nowMs);
    const released = this.#datagrams.get(key)?.held ?? [];
    for (const fragment of released) this.#heldBytes -= fragment.length;
    this.#datagrams.delete(key);
    this.#add(key, fate, nowMs);
    if (fate !== 'dropped') return released;
    this.#dropped += released.length;
    return [];
  }

  /** Keeps a copy of the fragment until its first one comes. Returns false when there is no room. */
  hold(key: string, fragment: Uint8Array, nowMs: number): boolean {
    this.sweep(nowMs);
    if (!this.canHold(key, fragment.length)) return false;
    const datagram = this.#datagrams.get(key) ?? this.#add(key, undefined, nowMs);
    datagram.held.push(ownBytes(fragment));
    this.#heldBytes += fragment.length;
    return true;
  }

  canHold(key: string, bytes: number): boolean {
    return (
      this.heldCount(key) < this.#limits.heldPerDatagram && this.#heldBytes + bytes <= this.#limits.heldBytes
    );
  }

  /** Forgets what has timed out. All entries live equally long, so the oldest come first. */
  sweep(nowMs: number): void {
    for (const [key, datagram] of this.#datagrams) {
      if (datagram.expiresMs > nowMs) return;
      this.#forget(key, datagram);
    }
  }

  /** Returns how many held fragments were dropped since the last call. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  #add(key: string, fate: FragmentFate | undefined, nowMs: number): Datagram {
    const datagram: Datagram = { expiresMs: nowMs + this.#limits.timeoutMs, fate, held: [] };
    this.#datagrams.set(key, datagram);
    if (this.#datagrams.size > this.#limits.datagrams) this.#forgetOldest();
    return datagram;
  }

  #forgetOldest(): void {
    for (const [key, datagram] of this.#datagrams) {
      this.#forget(key, datagram);
      return;
    }
  }

  #forget(key: string, datagram: Datagram): void {
    this.#datagrams.delete(key);
    for (const fragment of datagram.held) this.#heldBytes -= fragment.length;
    this.#dropped += datagram.held.length;
  }
}
