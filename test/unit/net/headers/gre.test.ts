import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes } from '../../../../src/net/bytes.ts';
import { PARSE_FAULTS } from '../../../../src/net/fault.ts';
import { ETHERTYPE } from '../../../../src/net/headers/ethernet.ts';
import { buildGre, greChecksumIsGood, parseGre } from '../../../../src/net/headers/gre.ts';
import { fromHex, payload, u16, u32 } from '../values.ts';

test('headers byte for byte', () => {
  const data = fromHex('01020304');
  expect(buildGre({ etherType: ETHERTYPE.ipv4 }, data)).toStrictEqual(fromHex('0000 0800 01020304'));
  expect(buildGre({ etherType: ETHERTYPE.ipv6, withChecksum: true }, data)).toStrictEqual(
    fromHex('8000 86dd f51b 0000 01020304'),
  );
  expect(buildGre({ etherType: ETHERTYPE.ipv4, key: 7, sequence: 9 }, data)).toStrictEqual(
    fromHex('3000 0800 00000007 00000009 01020304'),
  );
});

test('reading what was built gives it back', () => {
  const optional = fc.option(u32, { nil: undefined });
  const fields = fc.record({ etherType: u16, withChecksum: fc.boolean(), key: optional, sequence: optional });
  fc.assert(
    fc.property(fields, payload, fc.nat(8), ({ withChecksum, etherType, key, sequence }, data, at) => {
      const built = buildGre(
        {
          etherType,
          withChecksum,
          ...(key !== undefined && { key }),
          ...(sequence !== undefined && { sequence }),
        },
        data,
      );
      const packet = concatBytes(new Uint8Array(at), built);
      const header = parseGre(packet, at);
      if (typeof header === 'string') throw new Error(header);
      expect(header).toMatchObject({ etherType, key, sequence });
      expect(header.checksum !== undefined).toBe(withChecksum);
      expect(packet.subarray(at + header.headerBytes)).toStrictEqual(data);
      if (withChecksum) expect(greChecksumIsGood(packet, at)).toBe(true);
    }),
  );
});

test('a changed byte does not go with the checksum', () => {
  const packet = buildGre({ etherType: ETHERTYPE.ipv4, withChecksum: true }, fromHex('01020304'));
  packet[9] = 0;
  expect(greChecksumIsGood(packet, 0)).toBe(false);
});

describe('malformed headers', () => {
  test.each([
    ['3 bytes', '000008', 'gre-truncated'],
    ['no room for the checksum', '8000 0800 00000 0', 'gre-truncated'],
    ['no room for the sequence number', '3000 0800 00000001', 'gre-truncated'],
    ['version 1 (PPTP)', '3001 880b 00000000 00000000', 'gre-version'],
    ['routing (RFC 1701)', '4000 0800 00000000 00000000', 'gre-flags'],
    ['strict source route (RFC 1701)', '0800 0800', 'gre-flags'],
  ])('%s', (_, hex, fault) => {
    expect(parseGre(fromHex(hex), 0)).toBe(fault);
  });

  test('the end that is given counts', () => {
    expect(parseGre(fromHex('8000 0800 0000 0000'), 0, 7)).toBe('gre-truncated');
  });
});

test('no bytes make it throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), fc.nat(20), (bytes, at) => {
      const parsed = parseGre(bytes, at);
      if (typeof parsed === 'string') expect(Object.keys(PARSE_FAULTS)).toContain(parsed);
      else expect(parsed.headerBytes).toBeLessThanOrEqual(bytes.length - at);
    }),
  );
});
