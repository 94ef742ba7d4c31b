import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ipBytes } from '../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { concatBytes, readU16, writeU16, writeU32 } from '../../../src/net/bytes.ts';
import {
  internetChecksum,
  pseudoHeaderSum,
  sumWords,
  transportChecksum,
  updateChecksum,
} from '../../../src/net/checksum.ts';
import { buildTcp } from '../../../src/net/headers/tcp.ts';
import { buildUdp } from '../../../src/net/headers/udp.ts';
import { anyIpv6, payload, u8 } from './values.ts';

test('the example of RFC 1071, section 3', () => {
  const data = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
  expect(sumWords(data, 0, 8)).toBe(0x2ddf0);
  expect(internetChecksum(data, 0, 8)).toBe(0x220d);
});

test('the example of RFC 1624, section 4: the sum of the whole is all ones and not zero', () => {
  expect(updateChecksum(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
});

test('an odd last byte counts as if a zero followed', () => {
  expect(internetChecksum(Uint8Array.of(1, 2, 3), 0, 3)).toBe(
    internetChecksum(Uint8Array.of(1, 2, 3, 0), 0, 4),
  );
});

test('a datagram with its checksum in place sums to zero, and a changed one does not', () => {
  const datagram = Uint8Array.from(Buffer.from('3035003500100000d84e010000010000', 'hex'));
  const addresses = [ipv4('192.0.2.1'), ipv4('192.0.2.53')] as const;
  writeU16(datagram, 6, transportChecksum(datagram, ...addresses, 17));
  expect(transportChecksum(datagram, ...addresses, 17)).toBe(0);
  datagram[9] = 0;
  expect(transportChecksum(datagram, ...addresses, 17)).not.toBe(0);
});

test('an incremental update equals computing anew', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 4, maxLength: 64 }),
      fc.nat(0xffff),
      fc.nat(),
      (bytes, newWord, pick) => {
        // A header is never all zeros, which is what makes the checksum's two zeros distinguishable.
        bytes[0] = 0x45;
        const even = bytes.length & ~1;
        const at = 2 + (pick % (even / 2 - 1)) * 2;
        const before = internetChecksum(bytes, 0, bytes.length);
        const oldWord = readU16(bytes, at);
        writeU16(bytes, at, newWord);
        expect(updateChecksum(before, oldWord, newWord)).toBe(internetChecksum(bytes, 0, bytes.length));
      },
    ),
  );
});

test('the pseudo header is what its 12 bytes sum to', () => {
  const header = Uint8Array.of(198, 51, 100, 2, 192, 0, 2, 10, 0, 6, 5, 220);
  expect(pseudoHeaderSum(ipv4('198.51.100.2'), ipv4('192.0.2.10'), 6, 1500)).toBe(sumWords(header, 0, 12));
});

test('64 KiB of all ones do not overflow', () => {
  expect(internetChecksum(new Uint8Array(65536).fill(0xff), 0, 65536)).toBe(0);
});

test('the pseudo header of IPv6 is what its 40 bytes sum to (RFC 8200, 8.1)', () => {
  fc.assert(
    fc.property(anyIpv6, anyIpv6, u8, fc.nat(0x1_ffff), (source, destination, protocol, length) => {
      const header = concatBytes(ipBytes(source), ipBytes(destination), new Uint8Array(8));
      writeU32(header, 32, length);
      header[39] = protocol;
      expect(pseudoHeaderSum(source, destination, protocol, length)).toBe(sumWords(header, 0, 40));
    }),
  );
});

test('segments and datagrams over IPv6 are built with checksums that prove right, or without', () => {
  fc.assert(
    fc.property(anyIpv6, anyIpv6, payload, (source, destination, data) => {
      const ends = { source, destination, sourcePort: 1, destinationPort: 2, payload: data };
      expect(transportChecksum(buildTcp({ ...ends, flags: 2 }), source, destination, 6)).toBe(0);
      expect(transportChecksum(buildUdp(ends), source, destination, 17)).toBe(0);
      expect(readU16(buildUdp({ ...ends, withChecksum: false }), 6)).toBe(0);
    }),
  );
});
