import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, writeU16 } from '../../../../src/net/bytes.ts';
import { foldChecksum, pseudoHeaderSum } from '../../../../src/net/checksum.ts';
import { PARSE_FAULTS } from '../../../../src/net/fault.ts';
import { buildGue, finishRemoteChecksum, parseGue } from '../../../../src/net/headers/gue.ts';
import { PROTOCOL } from '../../../../src/net/headers/ipv4.ts';
import { buildTcp, TCP_FLAGS } from '../../../../src/net/headers/tcp.ts';
import { anyIpv6, fromHex, payload, u8, u16 } from '../values.ts';

test('headers byte for byte', () => {
  const data = fromHex('01020304');
  expect(buildGue({ protocol: PROTOCOL.ipip }, data)).toStrictEqual(fromHex('00 04 0000 01020304'));
  expect(
    buildGue({ protocol: PROTOCOL.ipv6, remoteChecksum: { startBytes: 40, offsetBytes: 56 } }, data),
  ).toStrictEqual(fromHex('02 29 0001 80000000 0028 0038 01020304'));
});

test('reading what was built gives it back', () => {
  const remote = fc.option(fc.record({ startBytes: u16, offsetBytes: u16 }, { noNullPrototype: true }), {
    nil: undefined,
  });
  fc.assert(
    fc.property(u8, remote, payload, fc.nat(8), (protocol, remoteChecksum, data, at) => {
      const datagram = concatBytes(new Uint8Array(at), buildGue({ protocol, remoteChecksum }, data));
      expect(parseGue(datagram, at)).toStrictEqual({
        headerBytes: datagram.length - at - data.length,
        control: false,
        protocol,
        remoteChecksum,
      });
    }),
  );
});

describe('what else is accepted', () => {
  test.each([
    ['a control message', '20 01 0000', { headerBytes: 4, control: true, protocol: 1 }],
    ['words that no flag announces', '01 04 0000 12345678', { headerBytes: 8, remoteChecksum: undefined }],
    ['private flags, none of them set', '01 04 0001 00000000', { headerBytes: 8, remoteChecksum: undefined }],
  ])('%s', (_, hex, expected) => {
    expect(parseGue(fromHex(hex), 0)).toMatchObject(expected);
  });
});

describe('malformed headers', () => {
  test.each([
    ['3 bytes', '000400', 'gue-truncated'],
    ['words beyond the datagram', '02 04 0000 00000000', 'gue-truncated'],
    ['a bare IPv4 packet (version 1)', '4500 0014 0000', 'gue-version'],
    ['an unknown flag', '01 04 8000 00000000', 'gue-flags'],
    ['an unknown private flag', '02 04 0001 40000000 00000000', 'gue-flags'],
    ['no room for private flags', '00 04 0001 80000000', 'gue-options'],
    ['no room for the remote checksum', '01 04 0001 80000000 00000000', 'gue-options'],
  ])('%s', (_, hex, fault) => {
    expect(parseGue(fromHex(hex), 0)).toBe(fault);
  });
});

test('a remote checksum, finished, is the one that the sender left out', () => {
  fc.assert(
    fc.property(anyIpv6, anyIpv6, payload, fc.nat(40), (source, destination, data, startBytes) => {
      const ports = { sourcePort: 40000, destinationPort: 80, flags: TCP_FLAGS.ack };
      const segment = buildTcp({ source, destination, ...ports, payload: data });
      const whole = concatBytes(new Uint8Array(startBytes), segment);
      const partial = whole.slice();
      const pseudo = pseudoHeaderSum(source, destination, PROTOCOL.tcp, segment.length);
      writeU16(partial, startBytes + 16, ~foldChecksum(pseudo));
      const remote = { startBytes, offsetBytes: startBytes + 16 };
      expect(finishRemoteChecksum(partial, remote)).toStrictEqual(whole);
    }),
  );
});

test('a remote checksum that points beyond the packet, or before its start, is none', () => {
  const data = new Uint8Array(20);
  expect(finishRemoteChecksum(data, { startBytes: 0, offsetBytes: 19 })).toBeUndefined();
  expect(finishRemoteChecksum(data, { startBytes: 10, offsetBytes: 8 })).toBeUndefined();
  expect(finishRemoteChecksum(data, { startBytes: 10, offsetBytes: 18 })).toHaveLength(20);
});

test('no bytes make it throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), fc.nat(20), (bytes, at) => {
      if (at < bytes.length) bytes[at] = (bytes[at] as number) & 0x23;
      const parsed = parseGue(bytes, at);
      if (typeof parsed === 'string') expect(Object.keys(PARSE_FAULTS)).toContain(parsed);
      else expect(parsed.headerBytes).toBeLessThanOrEqual(bytes.length - at);
    }),
  );
});
