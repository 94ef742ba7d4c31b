import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { transportChecksum } from '../../../../src/net/checksum.ts';
import {
  buildIcmpv6,
  ICMPV6_TYPE,
  icmpv6Mtu,
  isIcmpv6Error,
  parseIcmpv6,
} from '../../../../src/net/headers/icmpv6.ts';
import { PROTOCOL } from '../../../../src/net/headers/ipv4.ts';
import { buildIpv6 } from '../../../../src/net/headers/ipv6.ts';
import { findUpperLayer } from '../../../../src/net/headers/ipv6-extensions.ts';
import { kernelPackets } from '../kernel-packets.ts';
import { anyIpv6, ipv6, payload, u8, u32 } from '../values.ts';

const one = ipv6('2001:db8::1');
const two = ipv6('2001:db8::2');

test('an echo request and an error are built as the kernel built them', () => {
  const echo = buildIcmpv6({
    source: one,
    destination: two,
    type: ICMPV6_TYPE.echoRequest,
    code: 0,
    rest: 0x00010002,
    payload: Buffer.from('echo'),
  });
  const ends = { source: one, destination: two, nextHeader: PROTOCOL.icmpv6, flowLabel: 0x88749 };
  expect(buildIpv6(ends, echo)).toStrictEqual(kernelPackets.echoRequest);
  const error = buildIcmpv6({ source: two, destination: one, type: 1, code: 4, payload: kernelPackets.udp });
  expect(error).toStrictEqual(kernelPackets.portUnreachable.subarray(40));
});

test('what the kernel sent is read', () => {
  expect(parseIcmpv6(kernelPackets.portUnreachable, 40)).toStrictEqual({
    type: ICMPV6_TYPE.destinationUnreachable,
    code: 4,
    checksum: 0x6820,
    rest: 0,
  });
  const report = findUpperLayer(kernelPackets.listenerReport);
  expect(report).toMatchObject({ protocol: PROTOCOL.icmpv6, at: 48 });
  expect(parseIcmpv6(kernelPackets.listenerReport, 48)).toMatchObject({ type: 143, checksum: 0x7205 });
  expect(
    transportChecksum(
      kernelPackets.listenerReport.subarray(48),
      ipv6('fe80::ff:fe00:2'),
      ipv6('ff02::16'),
      PROTOCOL.icmpv6,
    ),
  ).toBe(0);
});

test('reading what was built gives it back, and its checksum proves right', () => {
  const fields = fc.record({ source: anyIpv6, destination: anyIpv6, type: u8, code: u8, rest: u32, payload });
  fc.assert(
    fc.property(fields, (wanted) => {
      const { source, destination, payload: data, ...visible } = wanted;
      const message = buildIcmpv6(wanted);
      expect(parseIcmpv6(message, 0)).toMatchObject(visible);
      expect(message.subarray(8)).toStrictEqual(data);
      expect(transportChecksum(message, source, destination, PROTOCOL.icmpv6)).toBe(0);
    }),
  );
});

test('the MTU has all 32 bits, of packet too big alone', () => {
  const tooBig = { type: ICMPV6_TYPE.packetTooBig, code: 0, checksum: 0, rest: 0x10000 };
  expect(icmpv6Mtu(tooBig)).toBe(0x10000);
  expect(icmpv6Mtu({ ...tooBig, type: ICMPV6_TYPE.timeExceeded })).toBeUndefined();
});

test('errors are the types below 128', () => {
  expect([1, 2, 3, 4, 127].every(isIcmpv6Error)).toBe(true);
  expect([128, 129, 135, 136, 137, 255].some(isIcmpv6Error)).toBe(false);
});

test('fewer than 8 bytes', () => {
  expect(parseIcmpv6(new Uint8Array(7), 0)).toBe('icmpv6-truncated');
  expect(parseIcmpv6(new Uint8Array(20), 10, 17)).toBe('icmpv6-truncated');
});
