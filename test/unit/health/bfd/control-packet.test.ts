import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  BFD_STATE,
  type BfdState,
  type ControlPacket,
  decodeControlPacket,
  encodeControlPacket,
} from '../../../../src/health/bfd/control-packet.ts';

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const packets: fc.Arbitrary<ControlPacket> = fc
  .record({
    diagnostic: fc.integer({ min: 0, max: 31 }),
    state: fc.integer({ min: 0, max: 3 }) as fc.Arbitrary<BfdState>,
    poll: fc.boolean(),
    final: fc.boolean(),
    controlPlaneIndependent: fc.boolean(),
    demand: fc.boolean(),
    multiplier: fc.integer({ min: 1, max: 255 }),
    myDiscriminator: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    yourDiscriminator: word,
    desiredMinTxUs: word,
    requiredMinRxUs: word,
    requiredMinEchoRxUs: word,
  })
  .filter(({ state, yourDiscriminator }) => yourDiscriminator !== 0 || state <= BFD_STATE.down);

test('decoding is the inverse of encoding, whatever stands behind the packet', () => {
  fc.assert(
    fc.property(packets, fc.uint8Array({ maxLength: 9 }), (packet, rest) => {
      const bytes = Uint8Array.from([...encodeControlPacket(packet), ...rest]);
      expect(decodeControlPacket(bytes)).toEqual(packet);
    }),
  );
});

test('random bytes, and packets with one of them changed, do no harm', () => {
  const changed = fc
    .tuple(packets, fc.nat(23), fc.nat(255))
    .map(([packet, at, byte]) => encodeControlPacket(packet).with(at, byte));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), changed), (bytes) => {
      const packet = decodeControlPacket(bytes);
      if (packet !== undefined) expect(decodeControlPacket(encodeControlPacket(packet))).toEqual(packet);
    }),
  );
});

// RFC 5880, section 4.1, written out by hand.
const UP = '20c80518 00000001 00000002 000f4240 00000bb8 00000000'.replaceAll(' ', '');

test('a packet of the wire', () => {
  const packet = decodeControlPacket(Buffer.from(UP, 'hex'));
  expect(packet).toEqual({
    diagnostic: 0,
    state: BFD_STATE.up,
    poll: false,
    final: false,
    controlPlaneIndependent: true,
    demand: false,
    multiplier: 5,
    myDiscriminator: 1,
    yourDiscriminator: 2,
    desiredMinTxUs: 1_000_000,
    requiredMinRxUs: 3000,
    requiredMinEchoRxUs: 0,
  });
  expect(Buffer.from(encodeControlPacket(packet as ControlPacket)).toString('hex')).toBe(UP);
});

test.each([
  ['version 0', 0, 0x00],
  ['version 2', 0, 0x40],
  ['authentication', 1, 0xcc],
  ['multipoint', 1, 0xc9],
  ['multiplier 0', 2, 0],
  ['a length under 24', 3, 23],
  ['a length beyond the datagram', 3, 25],
  ['my discriminator 0', 7, 0],
  ['your discriminator 0 while up', 11, 0],
])('discards %s', (_what, at, byte) => {
  expect(decodeControlPacket(Buffer.from(UP, 'hex').with(at, byte))).toBeUndefined();
});
