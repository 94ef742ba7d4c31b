import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes } from '../../../../src/net/bytes.ts';
import { crc32c } from '../../../../src/net/crc32c.ts';
import {
  buildSctp,
  parseSctp,
  SCTP_CHUNK,
  sctpChecksumIsGood,
  sctpChunks,
} from '../../../../src/net/headers/sctp.ts';
import { fromHex, payload, u8, u16, u32 } from '../values.ts';

// RFC 3720, B.4.
test.each([
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['0 to 31', Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
  ['"123456789"', Buffer.from('123456789'), 0xe3069283],
])('CRC32c of %s', (_, bytes, crc) => {
  expect(crc32c(bytes)).toBe(crc);
});

// tshark finds its checksum correct.
const init = fromHex('9c400050 00000000 74b0aab1 01000014 00000001 00010000 000affff 00000002');

test('an INIT byte for byte', () => {
  const value = fromHex('00000001 00010000 000a ffff 00000002');
  const ports = { sourcePort: 40000, destinationPort: 80, verificationTag: 0 };
  expect(buildSctp(ports, [{ type: SCTP_CHUNK.init, flags: 0, value }])).toStrictEqual(init);
  expect(parseSctp(init, 0)).toStrictEqual({ ...ports, checksum: 0x74b0aab1 });
  expect([...sctpChunks(init, 0)]).toStrictEqual([{ type: SCTP_CHUNK.init, flags: 0, value }]);
});

test('reading what was built gives it back', () => {
  const fields = fc.record({ sourcePort: u16, destinationPort: u16, verificationTag: u32 });
  const chunk = fc.record({ type: u8, flags: u8, value: payload }, { noNullPrototype: true });
  fc.assert(
    fc.property(fields, fc.array(chunk, { maxLength: 5 }), fc.nat(8), (wanted, chunks, at) => {
      const packet = concatBytes(new Uint8Array(at), buildSctp(wanted, chunks));
      expect(parseSctp(packet, at)).toMatchObject(wanted);
      expect([...sctpChunks(packet, at)]).toStrictEqual(chunks);
      expect(sctpChecksumIsGood(packet, at)).toBe(true);
    }),
  );
});

test('any changed bit makes the checksum wrong', () => {
  fc.assert(
    fc.property(fc.nat(init.length - 1), fc.nat(7), (at, bit) => {
      const changed = init.slice();
      changed[at] = (changed[at] as number) ^ (1 << bit);
      expect(sctpChecksumIsGood(changed, 0)).toBe(false);
    }),
  );
});

test('chunks end at the first that has no length or is cut off', () => {
  const [good, none, long] = ['0b000004', '0a000003', '0a000009 00000000'].map(fromHex) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const header = new Uint8Array(12);
  const types = (...chunks: readonly Uint8Array[]): number[] =>
    [...sctpChunks(concatBytes(header, ...chunks), 0)].map(({ type }) => type);
  expect(types(good, none, good)).toStrictEqual([SCTP_CHUNK.cookieAck]);
  expect(types(good, long)).toStrictEqual([SCTP_CHUNK.cookieAck]);
  expect(types(good, good, Uint8Array.of(1, 0, 0))).toStrictEqual([11, 11]);
});

test('no bytes make it throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(60), (bytes, at) => {
      const header = parseSctp(bytes, at);
      expect(header === 'sctp-truncated').toBe(bytes.length - at < 12);
      if (header !== 'sctp-truncated') sctpChecksumIsGood(bytes, at);
      expect([...sctpChunks(bytes, at)].length).toBeLessThan(16);
    }),
  );
});
