import { expect, test } from 'vitest';
import { finishChecksum } from '../../../src/dataplane/xdp/finish-checksum.ts';
import { concatBytes, writeU16 } from '../../../src/net/bytes.ts';
import { pseudoHeaderSum } from '../../../src/net/checksum.ts';
import { buildEthernet, ETHERTYPE } from '../../../src/net/ethernet.ts';
import { buildIpv4, PROTOCOL } from '../../../src/net/ipv4.ts';
import { ipv4 } from '../../../src/net/ipv4-address.ts';
import { buildTcp, TCP_FLAGS } from '../../../src/net/tcp.ts';

const ends = { source: ipv4('198.51.100.2'), destination: ipv4('192.0.2.10') };
const macs = { destination: new Uint8Array(6).fill(2), source: new Uint8Array(6).fill(4) };
const segment = buildTcp({
  ...ends,
  sourcePort: 40000,
  destinationPort: 80,
  flags: TCP_FLAGS.ack,
  payload: Uint8Array.of(1, 2, 3),
});
const packet = buildIpv4({ ...ends, protocol: PROTOCOL.tcp }, segment);
const whole = concatBytes(
  buildEthernet({ ...macs, etherType: ETHERTYPE.ipv4 }, packet),
  Uint8Array.of(9, 9, 9),
);

test('an unfinished checksum is finished, padding left out', () => {
  const frame = whole.slice();
  let pseudo = pseudoHeaderSum(ends.source, ends.destination, PROTOCOL.tcp, segment.length);
  while (pseudo > 0xffff) pseudo = (pseudo & 0xffff) + (pseudo >>> 16);
  writeU16(frame, 50, pseudo);
  finishChecksum({ frame, segmentBytes: 0, checksum: { start: 34, at: 50 } });
  expect(frame).toEqual(whole);
});

test('a finished one is left alone, and one beyond the frame too', () => {
  const frame = whole.slice();
  finishChecksum({ frame, segmentBytes: 0, checksum: undefined });
  finishChecksum({ frame, segmentBytes: 0, checksum: { start: 34, at: frame.length - 1 } });
  expect(frame).toEqual(whole);
});
