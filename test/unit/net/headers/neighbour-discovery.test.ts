import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isIpv6Multicast,
  multicastMac,
  solicitedNodeAddress,
} from '../../../../src/net/address/ipv6-multicast.ts';
import { concatBytes, writeU16 } from '../../../../src/net/bytes.ts';
import { transportChecksum } from '../../../../src/net/checksum.ts';
import { PARSE_FAULTS } from '../../../../src/net/fault.ts';
import { formatMac } from '../../../../src/net/headers/ethernet.ts';
import { PROTOCOL } from '../../../../src/net/headers/ipv4.ts';
import { buildIpv6, parseIpv6Header } from '../../../../src/net/headers/ipv6.ts';
import { fragmentHeader } from '../../../../src/net/headers/ipv6-extensions.ts';
import {
  buildNeighbourAdvertisement,
  buildNeighbourSolicitation,
  parseNeighbourAdvertisement,
  parseNeighbourSolicitation,
  UNSPECIFIED,
} from '../../../../src/net/headers/neighbour-discovery.ts';
import { kernelPackets } from '../kernel-packets.ts';
import { anyIpv6, fromHex, ipv6, mac } from '../values.ts';

const one = ipv6('2001:db8::1');
const two = ipv6('2001:db8::2');

test('the group of an address and the MAC of a group', () => {
  // The example of RFC 4291, 2.7.1.
  expect(solicitedNodeAddress(ipv6('4037::1:800:200e:8c6c'))).toBe(ipv6('ff02::1:ff0e:8c6c'));
  expect(formatMac(multicastMac(ipv6('ff02::1:ff0e:8c6c')))).toBe('33:33:ff:0e:8c:6c');
  expect(isIpv6Multicast(ipv6('ff00::'))).toBe(true);
  expect(isIpv6Multicast(ipv6('feff::'))).toBe(false);
});

describe('as the kernel has it', () => {
  const solicitation = { source: one, target: two, sourceLinkAddress: fromHex('020000000001') };
  const advertisement = {
    source: two,
    destination: one,
    target: two,
    targetLinkAddress: fromHex('020000000002'),
    router: false,
    solicited: true,
    override: true,
  };

  test('a solicitation', () => {
    expect(buildNeighbourSolicitation(solicitation)).toStrictEqual(kernelPackets.solicitation);
    expect(parseNeighbourSolicitation(kernelPackets.solicitation)).toStrictEqual({
      ...solicitation,
      destination: ipv6('ff02::1:ff00:2'),
    });
  });

  test('the solicitation of a node that has no address yet', () => {
    expect(parseNeighbourSolicitation(kernelPackets.duplicateAddressDetection)).toStrictEqual({
      source: UNSPECIFIED,
      destination: ipv6('ff02::1:ff00:2'),
      target: ipv6('fe80::ff:fe00:2'),
      sourceLinkAddress: undefined,
    });
  });

  test('an advertisement', () => {
    expect(buildNeighbourAdvertisement(advertisement)).toStrictEqual(kernelPackets.advertisement);
    expect(parseNeighbourAdvertisement(kernelPackets.advertisement)).toStrictEqual(advertisement);
  });
});

test('reading what was built gives it back', () => {
  const unicast = anyIpv6.filter((address) => !isIpv6Multicast(address) && address !== UNSPECIFIED);
  const link = fc.option(mac, { nil: undefined });
  const solicitation = fc.record({
    source: unicast,
    destination: anyIpv6,
    target: unicast,
    sourceLinkAddress: link,
  });
  const advertisement = fc.record({
    source: unicast,
    destination: unicast,
    target: unicast,
    targetLinkAddress: link,
    router: fc.boolean(),
    solicited: fc.boolean(),
    override: fc.boolean(),
  });
  fc.assert(
    fc.property(solicitation, advertisement, (ns, na) => {
      expect(parseNeighbourSolicitation(buildNeighbourSolicitation(ns))).toStrictEqual({ ...ns });
      expect(parseNeighbourAdvertisement(buildNeighbourAdvertisement(na))).toStrictEqual({ ...na });
    }),
  );
});

/** The solicitation with another byte, and its checksum mended. */
const changed = (at: number, value: number, packet: Uint8Array = kernelPackets.solicitation): Uint8Array => {
  const copy = packet.slice();
  copy[at] = value;
  const header = parseIpv6Header(copy);
  if (typeof header === 'string') return copy;
  const message = copy.subarray(40);
  writeU16(message, 2, 0);
  writeU16(message, 2, transportChecksum(message, header.source, header.destination, PROTOCOL.icmpv6));
  return copy;
};
const wrongChecksum = kernelPackets.solicitation.slice();
wrongChecksum[43] = 0;
const short = kernelPackets.solicitation.slice(0, 60);
short[5] = 20;
const ends = { source: one, destination: two, hopLimit: 255 };
const atomic = concatBytes(
  fragmentHeader(PROTOCOL.icmpv6, { id: 1, offsetBytes: 0, more: false }),
  kernelPackets.solicitation.subarray(40),
);
const probe = kernelPackets.duplicateAddressDetection;

describe('what RFC 4861, 7.1 excludes', () => {
  test.each([
    ['a hop limit of 254', changed(7, 254), 'nd-hop-limit'],
    ['a wrong checksum', wrongChecksum, 'nd-checksum'],
    ['code 1', changed(41, 1), 'nd-code'],
    ['20 bytes', changed(0, 0x60, short), 'nd-truncated'],
    ['a multicast target', changed(48, 0xff), 'nd-target'],
    ['an option of no length', changed(65, 0), 'nd-option'],
    ['an option beyond the message', changed(65, 2), 'nd-option'],
    ['no source, to no solicited-node group', changed(24, 0xfe, probe), 'nd-addresses'],
    ['no source, but its link address', changed(64, 1, probe), 'nd-option'],
    ['an advertisement', kernelPackets.advertisement, 'nd-kind'],
    ['an echo request', kernelPackets.echoRequest, 'nd-kind'],
    ['TCP', buildIpv6({ ...ends, nextHeader: 6 }, new Uint8Array(40)), 'nd-kind'],
    ['in a fragment', buildIpv6({ ...ends, nextHeader: 44 }, atomic), 'nd-kind'],
    ['no ICMPv6 header', buildIpv6({ ...ends, nextHeader: 58 }, new Uint8Array(4)), 'icmpv6-truncated'],
  ])('%s', (_, packet, fault) => {
    expect(parseNeighbourSolicitation(packet)).toBe(fault);
  });

  test('an advertisement that is solicited, but to a group', () => {
    expect(parseNeighbourAdvertisement(changed(24, 0xff, kernelPackets.advertisement))).toBe('nd-addresses');
    const unsolicited = changed(44, 0x20, changed(24, 0xff, kernelPackets.advertisement));
    expect(parseNeighbourAdvertisement(unsolicited)).toMatchObject({ solicited: false, override: true });
  });
});

test('a link address of another length than Ethernet has is none', () => {
  const longer = buildIpv6(
    { ...ends, nextHeader: PROTOCOL.icmpv6 },
    concatBytes(kernelPackets.solicitation.subarray(40), new Uint8Array(8)),
  );
  expect(parseNeighbourSolicitation(changed(65, 2, longer))).toMatchObject({ sourceLinkAddress: undefined });
});

test('no bytes make it throw', () => {
  const bytes = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(bytes, fc.nat(71), bytes, (rest, at, tail) => {
      const packet = buildIpv6(
        { ...ends, nextHeader: PROTOCOL.icmpv6 },
        concatBytes(kernelPackets.solicitation.subarray(40, 64), tail),
      );
      packet.set(rest.subarray(0, packet.length - Math.min(at, packet.length)), Math.min(at, packet.length));
      for (const parse of [parseNeighbourSolicitation, parseNeighbourAdvertisement]) {
        for (const parsed of [parse(changed(0, 0x60, packet)), parse(rest)]) {
          if (typeof parsed === 'string') expect(Object.keys(PARSE_FAULTS)).toContain(parsed);
        }
      }
    }),
    { numRuns: 2000 },
  );
});
