import { describe, expect, test } from 'vitest';
import { wireFrames } from '../../../src/dataplane/xdp/merged-frames.ts';
import { concatBytes, readU16, writeU16 } from '../../../src/net/bytes.ts';
import { pseudoHeaderSum, sumWords } from '../../../src/net/checksum.ts';
import { buildEthernet, ETHERTYPE } from '../../../src/net/ethernet.ts';
import { buildIpv4, PROTOCOL, parseIpv4Header } from '../../../src/net/ipv4.ts';
import { ipv4 } from '../../../src/net/ipv4-address.ts';
import { buildTcp, parseTcp, TCP_FLAGS } from '../../../src/net/tcp.ts';

const source = ipv4('198.51.100.2');
const destination = ipv4('192.0.2.10');
const data = Uint8Array.from({ length: 2500 }, (_, index) => index & 0xff);

function tcpFrame(payload: Uint8Array, id: number, sequence: number, flags: number): Uint8Array {
  const segment = buildTcp({
    source,
    destination,
    sourcePort: 40000,
    destinationPort: 80,
    sequence,
    acknowledgment: 77,
    flags,
    window: 500,
    options: Uint8Array.of(1, 1, 1, 1),
    payload,
  });
  const packet = buildIpv4({ source, destination, protocol: PROTOCOL.tcp, id, dontFragment: true }, segment);
  const macs = { destination: new Uint8Array(6).fill(2), source: new Uint8Array(6).fill(4) };
  return buildEthernet({ ...macs, etherType: ETHERTYPE.ipv4 }, packet);
}

describe('frames as they were on the wire', () => {
  test('segments that were merged are taken apart again, the same bytes as before', () => {
    const { ack, psh, fin } = TCP_FLAGS;
    const merged = tcpFrame(data, 9, 0xffff_ff00, ack | psh | fin);
    const wire = wireFrames({ frame: merged, segmentBytes: 1000, checksum: { start: 34, at: 50 } });
    expect(wire).toEqual([
      tcpFrame(data.subarray(0, 1000), 9, 0xffff_ff00, ack),
      tcpFrame(data.subarray(1000, 2000), 10, 0xffff_ff00 + 1000 - 2 ** 32, ack),
      tcpFrame(data.subarray(2000), 11, 0xffff_ff00 + 2000 - 2 ** 32, ack | psh | fin),
    ]);
  });

  test('an unfinished checksum is finished, padding left out', () => {
    const whole = tcpFrame(data.subarray(0, 7), 1, 5, TCP_FLAGS.ack);
    const unfinished = concatBytes(whole, Uint8Array.of(1, 2, 3));
    const pseudo = pseudoHeaderSum(source, destination, PROTOCOL.tcp, whole.length - 34);
    let folded = sumWords(new Uint8Array(0), 0, 0, pseudo);
    while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16);
    writeU16(unfinished, 50, folded);
    const [frame] = wireFrames({ frame: unfinished, segmentBytes: 0, checksum: { start: 34, at: 50 } });
    expect(readU16(frame as Uint8Array, 50)).toBe(readU16(whole, 50));
    expect(frame?.subarray(0, whole.length)).toEqual(whole);
  });

  test('anything else is left alone', () => {
    const whole = tcpFrame(data, 1, 5, TCP_FLAGS.ack);
    expect(wireFrames({ frame: whole.slice(), segmentBytes: 0, checksum: undefined })).toEqual([whole]);
    const cut = whole.slice(0, 40);
    expect(wireFrames({ frame: cut, segmentBytes: 1000, checksum: { start: 34, at: 50 } })).toEqual([
      whole.slice(0, 40),
    ]);
    expect(parseIpv4Header(whole, 14)).toMatchObject({ totalLength: 2500 + 44 });
    expect(parseTcp(whole, 34)).toMatchObject({ sequence: 5 });
  });
});
