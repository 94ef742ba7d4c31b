import { expect, test } from 'vitest';
import { finishChecksum } from '../../../src/dataplane/xdp/finish-checksum.ts';
import { concatBytes, readU16, writeU16 } from '../../../src/net/bytes.ts';
import { pseudoHeaderSum } from '../../../src/net/checksum.ts';
import { buildEthernet, ETHERTYPE } from '../../../src/net/ethernet.ts';
import { ip } from '../../../src/net/ip-address.ts';
import { buildIpv4, PROTOCOL } from '../../../src/net/ipv4.ts';
import { ipv4 } from '../../../src/net/ipv4-address.ts';
import { buildIpv6 } from '../../../src/net/ipv6.ts';
import type { Ipv6Address } from '../../../src/net/ipv6-address.ts';
import { buildTcp, TCP_FLAGS } from '../../../src/net/tcp.ts';

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
