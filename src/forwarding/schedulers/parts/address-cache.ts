// The memory of lblc and lblcr for each virtual address.
import type { IpAddress } from '../../../net/address/ip-address.ts';

/** The limits of IPVS: a day without use, and 16,384 addresses. */
const EXPIRES_AFTER_MS = 24 * 60 * 60 * 1000;
const MAX_ENTRIES = 16_384;

interface Entry<Value> {
  readonly value: Value;
  readonly usedMs: number;
}

/** The memory of `lblc` and `lblcr` for each virtual address. The address unused for longest goes first. */
export class AddressCache<Value> {
  /** Entries in the order of use. */
  readonly #entries = new Map<IpAddress, Entry<Value>>();

  get(address: IpAddress, nowMs: number): Value | undefined {
    const entry = this.#entries.get(address);
    return entry === undefined || nowMs - entry.usedMs > EXPIRES_AFTER_MS ? undefined : entry.value;
  }

  /** Sets a value, which counts as use. */
  set(address: IpAddress, value: Value, nowMs: number): void {
    this.#entries.delete(address);
    this.#entries.set(address, { value, usedMs: nowMs });
    for (const [oldest, { usedMs }] of this.#entries) {
      if (this.#entries.size <= MAX_ENTRIES && nowMs - usedMs <= EXPIRES_AFTER_MS) break;
      this.#entries.delete(oldest);
    }
  }
}
