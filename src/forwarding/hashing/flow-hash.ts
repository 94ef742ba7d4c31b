// The keyed hash of a flow, the same as in the fast path.
import type { Ipv6Address } from '../../net/address/ipv6-address.ts';
import { swap32 } from '../image/tables/byte-order.ts';

const WORD = 0xffff_ffffn;

/**
 * Returns the hash of a flow: two rounds of 32 x 32 -> 64-bit products. It is keyed, so that clients can neither aim at a real
 * nor fill one set of the flow table. `flow_hash()` of the fast path computes the same.
 * @param key four words, the image's hash key
 */
export function flowHash(client: number, clientPort: number, key: Uint32Array): number {
  const k0 = key[0] as number;
  const k1 = key[1] as number;
  const k2 = key[2] as number;
  const k3 = key[3] as number;
  const x = client ^ k0;
  const y = ((clientPort << 16) | clientPort) ^ k1;
  const a = Math.imul(x, y) ^ k2;
  const b = highProduct(x, y) ^ k3;
  return (Math.imul(a, b) ^ highProduct(a, b)) >>> 0;
}

/** Returns the client word of an IPv6 address. `fold_ipv6()` of the fast path computes the same and gives the reasons. */
export function foldIpv6(address: Ipv6Address, key: Uint32Array): number {
  const k0 = key[0] as number;
  const k1 = key[1] as number;
  const k2 = key[2] as number;
  const k3 = key[3] as number;
  const x = (swap32(Number(address >> 96n)) + k0) | 0;
  const y = (swap32(Number((address >> 64n) & WORD)) + k1) | 0;
  const z = (swap32(Number((address >> 32n) & WORD)) + k2) | 0;
  const w = (swap32(Number(address & WORD)) + k3) | 0;
  const low = (Math.imul(x, y) >>> 0) + (Math.imul(z, w) >>> 0);
  const carry = low > 0xffff_ffff ? 1 : 0;
  const a = (low | 0) ^ k1;
  const b = ((highProduct(x, y) + highProduct(z, w) + carry) | 0) ^ k2;
  return (Math.imul(a, b) ^ highProduct(a, b)) >>> 0;
}

/**
 * Returns the slot of a hash service's ring: the top bits of the hash, so that a ring of twice the size splits each slot in two.
 */
export function slotOfHash(hash: number, slots: number): number {
  return slots <= 1 ? 0 : hash >>> (Math.clz32(slots) + 1);
}

/** Returns the upper 32 bits of the unsigned product, by 16-bit halves: every partial sum is below 2^53. */
function highProduct(x: number, y: number): number {
  const xLow = x & 0xffff;
  const xHigh = x >>> 16;
  const yLow = y & 0xffff;
  const yHigh = y >>> 16;
  const middle = xHigh * yLow + ((xLow * yLow) >>> 16);
  const carry = (middle & 0xffff) + xLow * yHigh;
  return (xHigh * yHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) | 0;
}
