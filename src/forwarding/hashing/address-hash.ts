// The kernel's multiplicative hash of an address, for the schedulers sh and dh and tables by address.
import { type IpAddress, isIpv4 } from '../../net/address/ip-address.ts';

/** 2^32 divided by the square of the golden ratio. */
const MULTIPLIER = 0x61c88647;

/**
 * Returns the place of an address, and of a port other than 0, in a table of 2^bits: the top bits of a product (Knuth, TAOCP
 * volume 3, section 6.4). The kernel's hash_32() gives the same, so that culvert and IPVS choose alike. There is no key: someone
 * who knows the reals can aim at one. `mh` is safe from that.
 */
export function hashPlace(address: IpAddress, port: number, bits: number): number {
  return Math.imul(word(address) + port, MULTIPLIER) >>> (32 - bits);
}

/** Returns an IPv6 address as the exclusive or of its four words. */
function word(address: IpAddress): number {
  if (isIpv4(address)) return address;
  const half = (address >> 64n) ^ address;
  return Number(BigInt.asUintN(32, (half >> 32n) ^ half));
}
