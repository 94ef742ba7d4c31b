import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes } from '../../../../src/net/bytes.ts';
import { PARSE_FAULTS } from '../../../../src/net/fault.ts';
import { PROTOCOL } from '../../../../src/net/headers/ipv4.ts';
import { buildIpv6, parseIpv6Header, parseQuotedIpv6Header } from '../../../../src/net/headers/ipv6.ts';
import {
  EXTENSION_HEADER,
  findUpperLayer,
  fragmentHeader,
} from '../../../../src/net/headers/ipv6-extensions.ts';
import { anyIpv6, fromHex, ipv6, payload, u8, u32 } from '../values.ts';

const ends = { source: ipv6('2001:db8::1'), destination: ipv6('2001:db8::2') };
const HEADER = `20010db8000000000000000000000001 20010db8000000000000000000000002`;

test('a header byte for byte', () => {
  const bytes = fromHex(`6b812345 0004 11 2a ${HEADER} 01020304`);
  expect(parseIpv6Header(bytes)).toStrictEqual({
    trafficClass: 0xb8,
    flowLabel: 0x12345,
    payloadLength: 4,
    totalLength: 44,
    nextHeader: 17,
    hopLimit: 42,
    ...ends,
  });
  const fields = { ...ends, trafficClass: 0xb8, flowLabel: 0x12345, nextHeader: 17, hopLimit: 42 };
  expect(buildIpv6(fields, Uint8Array.of(1, 2, 3, 4))).toStrictEqual(bytes);
});

test('reading what was built gives it back, at any offset', () => {
  const fields = fc.record({
    source: anyIpv6,
    destination: anyIpv6,
    nextHeader: u8,
    trafficClass: u8,
    flowLabel: fc.nat(0xfffff),
    hopLimit: u8,
  });
  fc.assert(
    fc.property(fields, payload, fc.nat(20), (wanted, data, at) => {
      const packet = concatBytes(new Uint8Array(at), buildIpv6(wanted, data));
      const expected = { ...wanted, payloadLength: data.length, totalLength: 40 + data.length };
      expect(parseIpv6Header(packet, at)).toStrictEqual(expected);
      expect(packet.subarray(at + 40)).toStrictEqual(data);
    }),
  );
});

test('malformed headers', () => {
  const packet = buildIpv6({ ...ends, nextHeader: 59 }, new Uint8Array(8));
  expect(parseIpv6Header(packet.subarray(0, 39))).toBe('ipv6-truncated');
  expect(parseIpv6Header(packet.subarray(0, 47))).toBe('ipv6-payload-length');
  expect(parseQuotedIpv6Header(packet.subarray(0, 40))).toMatchObject({ payloadLength: 8 });
  packet[0] = 0x45;
  expect(parseIpv6Header(packet)).toBe('ipv6-version');
});

/** What options, routing and such come to: `next`, the length in units of 8 bytes less one, and what else is given. */
const extension = (next: number, units: number, ...rest: readonly number[]): Uint8Array => {
  const bytes = new Uint8Array(8 * units);
  bytes.set([next, units - 1, ...rest]);
  return bytes;
};
const packetOf = (nextHeader: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  buildIpv6({ ...ends, nextHeader }, concatBytes(...parts));

const { hopByHop, routing, fragment, authentication, noNextHeader, destinationOptions } = EXTENSION_HEADER;
const tcp = new Uint8Array(20);
const none = { fragment: undefined, routing: undefined };

describe('the upper layer behind extension headers', () => {
  test('none of them', () => {
    const expected = { protocol: 6, namedAt: 6, at: 40, ...none };
    expect(findUpperLayer(packetOf(PROTOCOL.tcp, tcp))).toStrictEqual(expected);
    expect(findUpperLayer(packetOf(noNextHeader))).toStrictEqual({ ...expected, protocol: 59 });
  });

  test('hop-by-hop, routing, authentication and destination options, each of its own unit', () => {
    const ah = new Uint8Array(24);
    ah.set([destinationOptions, 4]);
    const packet = packetOf(
      hopByHop,
      extension(routing, 1),
      extension(authentication, 3, 4, 1),
      ah,
      extension(PROTOCOL.tcp, 2),
      tcp,
    );
    expect(findUpperLayer(packet)).toStrictEqual({
      protocol: 6,
      namedAt: 40 + 8 + 24 + 24,
      at: 40 + 8 + 24 + 24 + 16,
      fragment: undefined,
      routing: { type: 4, segmentsLeft: 1 },
    });
  });

  test('a first fragment is looked into, a later one is not', () => {
    const first = { id: 0xdeadbeef, offsetBytes: 0, more: true };
    const options = extension(PROTOCOL.tcp, 1);
    const found = findUpperLayer(packetOf(fragment, fragmentHeader(destinationOptions, first), options, tcp));
    expect(found).toStrictEqual({
      ...none,
      protocol: 6,
      namedAt: 48,
      at: 56,
      fragment: { ...first, at: 40 },
    });
    const later = { ...first, offsetBytes: 1448, more: false };
    expect(
      findUpperLayer(packetOf(fragment, fragmentHeader(destinationOptions, later), options)),
    ).toStrictEqual({
      ...none,
      protocol: destinationOptions,
      namedAt: 40,
      at: 48,
      fragment: { ...later, at: 40 },
    });
  });

  test('a second fragment header is as far as it goes', () => {
    const atomic = { id: 1, offsetBytes: 0, more: false };
    const packet = packetOf(fragment, fragmentHeader(fragment, atomic), fragmentHeader(6, atomic), tcp);
    expect(findUpperLayer(packet)).toMatchObject({ protocol: fragment, at: 48 });
  });

  test('a quoted packet may end behind its extension headers, not in them', () => {
    const packet = packetOf(destinationOptions, extension(PROTOCOL.udp, 2), new Uint8Array(100));
    expect(findUpperLayer(packet.subarray(0, 56))).toMatchObject({ protocol: 17, at: 56 });
    expect(findUpperLayer(packet.subarray(0, 55))).toBe('ipv6-extension-truncated');
    expect(findUpperLayer(packet.subarray(0, 41))).toBe('ipv6-extension-truncated');
  });

  test('extension headers end where the payload does, whatever bytes follow', () => {
    const packet = packetOf(destinationOptions, extension(PROTOCOL.udp, 2));
    packet[5] = 8;
    expect(findUpperLayer(packet)).toBe('ipv6-extension-truncated');
  });

  test('hop-by-hop options in second place', () => {
    const packet = packetOf(routing, extension(hopByHop, 1), extension(6, 1), tcp);
    expect(findUpperLayer(packet)).toBe('ipv6-extension-order');
  });

  test('eight are walked, nine are not', () => {
    const options = Array.from({ length: 7 }, () => extension(destinationOptions, 1));
    const last = [extension(PROTOCOL.tcp, 1), tcp];
    const eight = packetOf(destinationOptions, ...options, ...last);
    expect(findUpperLayer(eight)).toMatchObject({ protocol: 6, at: 40 + 64 });
    const nine = packetOf(destinationOptions, extension(destinationOptions, 1), ...options, ...last);
    expect(findUpperLayer(nine)).toBe('ipv6-extension-count');
  });
});

test('a fragment header is read as it was built', () => {
  fc.assert(
    fc.property(u8, u32, fc.nat(0x1fff), fc.boolean(), (next, id, units, more) => {
      const header = fragmentHeader(next, { id, offsetBytes: units * 8, more });
      fc.pre(units > 0 || next >= 64);
      expect(findUpperLayer(packetOf(fragment, header))).toMatchObject({
        protocol: next,
        fragment: { id, offsetBytes: units * 8, more },
      });
    }),
  );
});

test('no bytes make it throw, and what is found lies within the packet', () => {
  const likely = fc.constantFrom(...Object.values(EXTENSION_HEADER), 6);
  fc.assert(
    fc.property(
      fc.array(fc.oneof(likely, u8), { maxLength: 120 }),
      fc.nat(80),
      likely,
      (rest, length, next) => {
        const packet = buildIpv6({ ...ends, nextHeader: next }, Uint8Array.from(rest));
        packet[5] = length;
        const found = findUpperLayer(packet);
        if (typeof found === 'string') expect(Object.keys(PARSE_FAULTS)).toContain(found);
        else expect(found.at).toBeLessThanOrEqual(Math.min(40 + length, packet.length));
        parseIpv6Header(Uint8Array.from(rest));
        findUpperLayer(Uint8Array.from(rest));
      },
    ),
    { numRuns: 3000 },
  );
});
