import * as fc from 'fast-check';
import { ip } from '../../../src/net/address/ip-address.ts';
import type { Ipv4Address } from '../../../src/net/address/ipv4-address.ts';
import type { Ipv6Address } from '../../../src/net/address/ipv6-address.ts';

export const u8: fc.Arbitrary<number> = fc.nat(0xff);
export const u16: fc.Arbitrary<number> = fc.nat(0xffff);
export const u32: fc.Arbitrary<number> = fc.nat(0xffff_ffff);
export const anyIpv4: fc.Arbitrary<Ipv4Address> = u32 as unknown as fc.Arbitrary<Ipv4Address>;
export const anyIpv6: fc.Arbitrary<Ipv6Address> = fc.bigInt(
  0n,
  (1n << 128n) - 1n,
) as fc.Arbitrary<Ipv6Address>;
export const payload: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 200 });
export const mac: fc.Arbitrary<Uint8Array> = fc.uint8Array({ minLength: 6, maxLength: 6 });

export const fromHex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
export const ipv6 = (text: string): Ipv6Address => ip(text) as Ipv6Address;
