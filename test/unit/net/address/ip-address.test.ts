import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  familyOf,
  formatEndpoint,
  formatIp,
  ip,
  ipBytes,
  ipFromBytes,
  networkOf,
  parseIp,
} from '../../../../src/net/address/ip-address.ts';
import { formatIpv6, type Ipv6Address, parseIpv6 } from '../../../../src/net/address/ipv6-address.ts';

const anyIpv6 = fc.bigInt(0n, (1n << 128n) - 1n) as fc.Arbitrary<Ipv6Address>;

describe('an IPv6 address', () => {
  // RFC 5952, sections 4 and 5.
  it.each([
    ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:DB8::AbCd', '2001:db8::abcd'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['0:0:1:0:0:0:1:0', '0:0:1::1:0'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
  ])('%s is written %s', (text, canonical) => {
    expect(formatIp(ip(text))).toBe(canonical);
  });

  it.each([
    '',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'fe80::1%eth0',
    '1::2::3',
    'g::',
  ])('%s is none', (text) => {
    expect(parseIp(text)).toBeUndefined();
    expect(() => ip(text)).toThrow(TypeError);
  });

  it('is what its text and its bytes say', () => {
    fc.assert(
      fc.property(anyIpv6, (address) => {
        expect(parseIpv6(formatIpv6(address))).toBe(address);
        expect(ipFromBytes(ipBytes(address))).toBe(address);
      }),
    );
  });
});

describe('an address of either family', () => {
  it('tells its family', () => {
    expect(familyOf(ip('192.0.2.1'))).toBe(4);
    expect(familyOf(ip('::ffff:192.0.2.1'))).toBe(6);
  });

  it('has 4 or 16 bytes', () => {
    expect(ipFromBytes(ipBytes(ip('192.0.2.1')))).toBe(ip('192.0.2.1'));
    expect(ipFromBytes(new Uint8Array(5))).toBeUndefined();
  });

  it('is written with a port', () => {
    expect(formatEndpoint(ip('192.0.2.1'), 80)).toBe('192.0.2.1:80');
    expect(formatEndpoint(ip('2001:db8::1'), 80)).toBe('[2001:db8::1]:80');
  });

  it.each([
    ['198.51.100.77', 24, '198.51.100.0'],
    ['198.51.100.77', 32, '198.51.100.77'],
    ['198.51.100.77', 1, '128.0.0.0'],
    ['198.51.100.77', 0, '0.0.0.0'],
    ['2001:db8:1:2:3:4:5:6', 64, '2001:db8:1:2::'],
    ['2001:db8::1', 128, '2001:db8::1'],
    ['2001:db8::1', 0, '::'],
  ])('%s lies in a network of /%d: %s', (address, prefixLength, network) => {
    expect(formatIp(networkOf(ip(address), prefixLength))).toBe(network);
  });
});
