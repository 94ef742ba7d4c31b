import { expect, test } from 'vitest';
import { finishChecksum, finishUnfinished } from '../../../../../src/dataplane/xdp/tap/finish-checksum.ts';
import { ip } from '../../../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../../../src/net/address/ipv4-address.ts';
import type { Ipv6Address } from '../../../../../src/net/address/ipv6-address.ts';
import { concatBytes, readU16, writeU16, writeU32 } from '../../../../../src/net/bytes.ts';
import { foldChecksum, pseudoHeaderSum } from '../../../../../src/net/checksum.ts';
import { buildEthernet, ETHERTYPE } from '../../../../../src/net/headers/ethernet.ts';
import { buildIpv4, PROTOCOL } from '../../../../../src/net/headers/ipv4.ts';
import { buildIpv6 } from '../../../../../src/net/headers/ipv6.ts';
import { buildSctp } from '../../../../../src/net/headers/sctp.ts';
import { buildTcp, TCP_FLAGS } from '../../../../../src/net/headers/tcp.ts';

const macs = { destination: new Uint8Array(6).fill(2), source: new Uint8Array(6).fill(4) };
const fields = {
  sourcePort: 40000,
  destinationPort: 80,
  flags: TCP_FLAGS.ack,
  payload: Uint8Array.of(1, 2, 3),
};
const ends4 = { source: ipv4('198.51.100.2'), destination: ipv4('192.0.2.10') };
const ends6 = {
  source: ip('2001:db8::2') as Ipv6Address,
  destination: ip('2001:db8:1::10') as Ipv6Address,
};
const segment4 = buildTcp({ ...ends4, ...fields });
const segment6 = buildTcp({ ...ends6, ...fields });
const packet4 = buildIpv4({ ...ends4, protocol: PROTOCOL.tcp }, segment4);
const packet6 = buildIpv6({ ...ends6, nextHeader: PROTOCOL.tcp }, segment6);
const padding = Uint8Array.of(9, 9, 9);

function tagged(etherType: number, packet: Uint8Array): Uint8Array {
  const tag = new Uint8Array(4);
  writeU16(tag, 0, 100);
  writeU16(tag, 2, etherType);
  return buildEthernet({ ...macs, etherType: ETHERTYPE.vlan }, concatBytes(tag, packet));
}

test.each([
  {
    kind: 'IPv4',
    ends: ends4,
    segment: segment4,
    frame: buildEthernet({ ...macs, etherType: ETHERTYPE.ipv4 }, packet4),
    start: 34,
  },
  {
    kind: 'IPv6',
    ends: ends6,
    segment: segment6,
    frame: buildEthernet({ ...macs, etherType: ETHERTYPE.ipv6 }, packet6),
    start: 54,
  },
  {
    kind: 'tagged IPv4',
    ends: ends4,
    segment: segment4,
    frame: tagged(ETHERTYPE.ipv4, packet4),
    start: 38,
  },
])('an unfinished checksum of $kind is finished, padding left out', ({ ends, segment, frame, start }) => {
  const whole = concatBytes(frame, padding);
  const unfinished = whole.slice();
  let pseudo = pseudoHeaderSum(ends.source, ends.destination, PROTOCOL.tcp, segment.length);
  while (pseudo > 0xffff) pseudo = (pseudo & 0xffff) + (pseudo >>> 16);
  writeU16(unfinished, start + 16, pseudo);
  expect(readU16(unfinished, start + 16)).not.toBe(readU16(whole, start + 16));
  finishChecksum({ frame: unfinished, segmentBytes: 0, checksum: { start, at: start + 16 } });
  expect(unfinished).toEqual(whole);
});

test('a finished one is left alone, and one beyond the frame too', () => {
  const whole = buildEthernet({ ...macs, etherType: ETHERTYPE.ipv4 }, packet4);
  const frame = whole.slice();
  finishChecksum({ frame, segmentBytes: 0, checksum: undefined });
  finishChecksum({ frame, segmentBytes: 0, checksum: { start: 34, at: frame.length - 1 } });
  expect(frame).toEqual(whole);
});

test('where nobody says that it is unfinished it is seen: behind IPv4 options and IPv6 extension headers too', () => {
  const noOperation = new Uint8Array(4).fill(1);
  const withOptions = concatBytes(packet4.subarray(0, 20), noOperation, segment4);
  withOptions[0] = 0x46;
  writeU16(withOptions, 2, withOptions.length);
  const destinationOptions = Uint8Array.of(PROTOCOL.tcp, 0, 1, 4, 0, 0, 0, 0);
  const packets = [
    { etherType: ETHERTYPE.ipv4, packet: packet4, start: 34, ends: ends4, segment: segment4 },
    {
      etherType: ETHERTYPE.ipv4,
      packet: withOptions,
      start: 38,
      ends: ends4,
      segment: segment4,
    },
    {
      etherType: ETHERTYPE.ipv6,
      packet: buildIpv6({ ...ends6, nextHeader: 60 }, concatBytes(destinationOptions, segment6)),
      start: 62,
      ends: ends6,
      segment: segment6,
    },
  ];
  for (const { etherType, packet, start, ends, segment } of packets) {
    const whole = concatBytes(buildEthernet({ ...macs, etherType }, packet), padding);
    const unfinished = whole.slice();
    const pseudo = pseudoHeaderSum(ends.source, ends.destination, PROTOCOL.tcp, segment.length);
    writeU16(unfinished, start + 16, ~foldChecksum(pseudo) & 0xffff);
    finishUnfinished(unfinished);
    expect(unfinished).toEqual(whole);
    finishUnfinished(unfinished);
    expect(unfinished).toEqual(whole);
  }
});

test('an empty checksum of SCTP is filled in; a fragment is left alone', () => {
  const header = { sourcePort: 4000, destinationPort: 80, verificationTag: 7 };
  const sctp = buildSctp(header, [{ type: 1, flags: 0, value: new Uint8Array(16) }]);
  const whole = buildEthernet(
    { ...macs, etherType: ETHERTYPE.ipv4 },
    buildIpv4({ ...ends4, protocol: PROTOCOL.sctp }, sctp),
  );
  const unfinished = whole.slice();
  writeU32(unfinished, 34 + 8, 0);
  const fragment = unfinished.slice();
  writeU16(fragment, 14 + 6, 0x2000);
  const before = fragment.slice();
  finishUnfinished(unfinished);
  finishUnfinished(fragment);
  expect(unfinished).toEqual(whole);
  expect(fragment).toEqual(before);
});

test.each([0, 1, 13, 14, 15, 17, 18, 33, 34, 40, 49])('a frame of %i bytes is left alone', (length) => {
  const frame = buildEthernet({ ...macs, etherType: ETHERTYPE.ipv4 }, packet4).slice(0, length);
  const before = frame.slice();
  finishUnfinished(frame);
  expect(frame).toEqual(before);
});
