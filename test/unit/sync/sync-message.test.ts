import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type IpAddress, ip } from '../../../src/net/address/ip-address.ts';
import {
  decodeSyncMessage,
  encodeSyncMessages,
  isSyncFault,
  SYNC_FLAGS,
  type SyncConnection,
} from '../../../src/sync/sync-message.ts';
import { anyIpv4, anyIpv6, fromHex, u8, u16, u32 } from '../net/values.ts';

const ESTABLISHED: SyncConnection = {
  protocol: 6,
  flags: SYNC_FLAGS.tunnel | SYNC_FLAGS.noOutput,
  state: 1,
  client: ip('198.51.100.7'),
  clientPort: 40_000,
  vip: ip('192.0.2.10'),
  port: 80,
  real: ip('203.0.113.1'),
  realPort: 80,
  fwmark: 0,
  timeoutS: 900,
};
const HEADER = '00 0b 002c 01 01 0000';
const RECORD = '00 06 0024 00000082 0001 9c40 0050 0050 00000000 00000384 c6336407 c000020a cb007101';
/** Type and length, then 24 bytes of sequence numbers. */
const SEQUENCES = `01 18 ${'00'.repeat(24)}`;

function one(hex: string): ReturnType<typeof decodeSyncMessage> {
  const bytes = fromHex(`00 0b 0000 01 01 0000 ${hex}`);
  bytes[2] = bytes.length >>> 8;
  bytes[3] = bytes.length;
  return decodeSyncMessage(bytes);
}

const sized = (bytes: number): string => RECORD.replace('0024', bytes.toString(16).padStart(4, '0'));

describe('a message of one connection, laid out as in ip_vs_sync.c', () => {
  test('is decoded', () => {
    expect(decodeSyncMessage(fromHex(`${HEADER} ${RECORD}`))).toEqual({
      syncId: 11,
      connections: [ESTABLISHED],
      skipped: 0,
    });
  });

  test('is encoded to the same bytes', () => {
    const messages = [...encodeSyncMessages(11, [ESTABLISHED])].map((bytes) => Buffer.from(bytes));
    expect(messages).toEqual([Buffer.from(fromHex(`${HEADER} ${RECORD}`))]);
  });

  test('may carry sequence numbers, which tunnels have no use for, and padding before the next one', () => {
    const bytes = fromHex(`00 0b 006c 02 01 0000 ${sized(62)} ${SEQUENCES} 0000 ${RECORD}`);
    bytes[3] = bytes.length;
    expect(decodeSyncMessage(bytes)).toMatchObject({ connections: [ESTABLISHED, ESTABLISHED] });
  });

  test.each([
    ['data of a persistence engine', `${sized(40)} 02 02 aaaa`, 1],
    ['an unknown option that may be ignored', `${sized(40)} 45 02 aaaa`, 0],
    ['an unknown option that must not be ignored', `${sized(40)} 05 02 aaaa`, 1],
  ])('with %s', (_, hex, skipped) => {
    expect(one(hex)).toMatchObject({ skipped });
  });
});

describe('malformed messages are values', () => {
  test.each([
    ['a short header', () => decodeSyncMessage(fromHex('00 0b 0007 01 01 00')), 'sync-truncated'],
    ['another size', () => decodeSyncMessage(fromHex(`00 0b 002d 01 01 0000 ${RECORD}`)), 'sync-size'],
    ['version 0', () => decodeSyncMessage(fromHex(`01 0b 002c 01 00 0000 ${RECORD}`)), 'sync-version'],
    ['a connection beyond the message', () => one(sized(40)), 'sync-connection-size'],
    ['a connection that is too short', () => one(sized(35)), 'sync-connection-size'],
    ['no connection', () => one(''), 'sync-connection-size'],
    ['an IPv6 connection of 36 bytes', () => one(RECORD.replace('00', '01')), 'sync-connection-size'],
    ['a family of neither', () => one(RECORD.replace('00', '02')), 'sync-connection-type'],
    ['another version of connection', () => one(RECORD.replace('0024', '1024')), 'sync-connection-version'],
    ['an empty option', () => one(`${sized(38)} 01 00`), 'sync-option'],
    ['an option beyond its connection', () => one(`${sized(40)} 02 03 aaaa`), 'sync-option'],
    ['half an option', () => one(`${sized(37)} 02`), 'sync-option'],
    ['sequence numbers of 2 bytes', () => one(`${sized(40)} 01 02 aaaa`), 'sync-option'],
    ['an option twice', () => one(`${sized(42)} 02 01 aa 02 01 aa`), 'sync-option'],
  ])('%s', (_, decode, fault) => {
    expect(decode()).toBe(fault);
  });

  test('arbitrary bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, framed) => {
        if (framed && bytes.length >= 8) bytes.set([0, 1, bytes.length >>> 8, bytes.length, 2, 1, 0, 0]);
        decodeSyncMessage(bytes);
      }),
    );
  });
});

function connections(address: fc.Arbitrary<IpAddress>): fc.Arbitrary<SyncConnection> {
  return fc.record({
    protocol: u8,
    flags: u32,
    state: u16,
    client: address,
    clientPort: u16,
    vip: address,
    port: u16,
    real: address,
    realPort: u16,
    fwmark: u32,
    timeoutS: u32,
  });
}

test('what is encoded is decoded again, in messages that fit', () => {
  const list = fc.array(fc.oneof(connections(anyIpv4), connections(anyIpv6)), { maxLength: 100 });
  fc.assert(
    fc.property(u8, list, (syncId, sent) => {
      const messages = [...encodeSyncMessages(syncId, sent)];
      const decoded = messages.map((bytes) => {
        expect(bytes.length).toBeLessThanOrEqual(1472);
        const message = decodeSyncMessage(bytes);
        if (isSyncFault(message)) throw new Error(message);
        expect(message).toMatchObject({ syncId, skipped: 0 });
        return message.connections;
      });
      expect(decoded.flat()).toEqual(sent);
    }),
  );
});
