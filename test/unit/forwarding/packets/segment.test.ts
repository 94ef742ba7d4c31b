import { expect, test } from 'vitest';
import { decide, decideEach } from '../../../../src/forwarding/forwarder.ts';
import { type IpHeader, parseIpHeader } from '../../../../src/forwarding/packets/ip-header.ts';
import { unmerge } from '../../../../src/forwarding/packets/segment.ts';
import { transportChecksum } from '../../../../src/net/checksum.ts';
import { type Ipv4Header, ipv4ChecksumIsGood, parseIpv4Header } from '../../../../src/net/headers/ipv4.ts';
import { parseTcp, TCP_FLAGS, type TcpHeader } from '../../../../src/net/headers/tcp.ts';
import { MTU, NOW_MS, standardState } from '../forwarder/fixture.ts';
import { ipv6Image } from '../forwarder/ipv6.ts';
import { ACK, data, FIN, fragmentationNeeded, PSH, tcp, udp } from '../forwarder/packets.ts';
import { tcp6 } from '../forwarder/packets6.ts';

const { cwr, ece } = TCP_FLAGS;
const ALL_FLAGS = ACK | PSH | FIN | cwr | ece;

function split(packet: Uint8Array, segmentBytes?: number): Uint8Array[] | undefined {
  return unmerge(packet, parseIpHeader(packet) as IpHeader, { linkMtuBytes: MTU, segmentBytes });
}

test('segments are what the client sent: checksums, sequence numbers, flags and IDs', () => {
  const merged = tcp(80, { flags: ALL_FLAGS, sequence: 0xffff_ff00, dataBytes: 4000, options: data(12) });
  const segments = split(merged, 1448) as Uint8Array[];
  const headers = segments.map((segment) => {
    const ip = parseIpv4Header(segment) as Ipv4Header;
    expect(ipv4ChecksumIsGood(segment, 0, 20)).toBe(true);
    expect(transportChecksum(segment.subarray(20), ip.source, ip.destination, 6)).toBe(0);
    const { sequence, flags } = parseTcp(segment, 20) as TcpHeader;
    return { length: ip.totalLength, id: ip.id, sequence, flags };
  });
  expect(headers).toEqual([
    { length: 1500, id: 0x1234, sequence: 0xffff_ff00, flags: ACK | ece | cwr },
    { length: 1500, id: 0x1235, sequence: 1192, flags: ACK | ece },
    { length: 1156, id: 0x1236, sequence: 2640, flags: ACK | PSH | FIN | ece },
  ]);
  expect(Buffer.concat(segments.map((segment) => segment.subarray(52)))).toEqual(Buffer.from(data(4000)));
});

test('without a known size the segments fill the link', () => {
  expect(split(tcp(80, { dataBytes: 3000 }))?.map(({ length }) => length)).toEqual([1500, 1500, 120]);
});

test('what a client can send, and UDP, is not taken for merged', () => {
  expect(split(tcp(80, { dataBytes: 1460 }))).toBeUndefined();
  expect(split(udp(53, { dataBytes: 3000 }))).toBeUndefined();
});

test('each segment is decided on its own, and the refused packet is quoted as the client sent it', () => {
  const state = standardState();
  const merged = tcp(80, { flags: ACK, sequence: 1000, dataBytes: 3000 });
  const decisions = decideEach(merged, state, NOW_MS);
  expect(decisions.map(({ reason }) => reason)).toEqual(['too-big', 'too-big', 'merged']);
  const sent = decisions[0]?.verdict === 'answer' ? decisions[0].packet : undefined;
  const first = tcp(80, { flags: ACK, sequence: 1000, dataBytes: 1460 });
  expect(sent).toEqual(fragmentationNeeded(first, 1480));
  expect(decide(merged, standardState(), NOW_MS)).toEqual(decisions[0]);
});

test('segments that fit are forwarded, and are one decision where one is asked for', () => {
  const merged = tcp(80, { flags: ACK, dataBytes: 20_000 });
  const decisions = decideEach(merged, standardState(), NOW_MS, 1400);
  expect(decisions).toHaveLength(15);
  expect(new Set(decisions.map(({ verdict, reason }) => `${verdict} ${reason}`))).toEqual(
    new Set(['forward merged']),
  );
  const state = standardState();
  for (const { index } of state.image.reals()) state.image.setMtu(index, 1520);
  const joined = decide(merged, state, NOW_MS);
  expect(joined).toMatchObject({ verdict: 'forward', reason: 'merged' });
  expect(joined.verdict === 'forward' && joined.packets.length).toBe(14);
  expect(state.image.reasonCounts()).toEqual({ merged: 14 });
});

test('a path that carries the merged packet gets it whole, as the fast path sends it', () => {
  const state = standardState();
  for (const { index } of state.image.reals()) state.image.setMtu(index, 9000);
  const decision = decide(tcp(80, { flags: ACK, dataBytes: 3000 }), state, NOW_MS);
  expect(decision).toMatchObject({ verdict: 'forward', packets: { length: 1 } });
  expect(decision.reason).toBeUndefined();
});

test('64 KiB without DF, for a port that nobody serves and for a service', () => {
  const merged = tcp(81, { dataBytes: 65_495, ip: { dontFragment: false } });
  const decisions = decideEach(merged, standardState(), NOW_MS);
  expect(decisions).toHaveLength(45);
  expect(new Set(decisions.map(({ reason }) => reason))).toEqual(new Set(['outer-fragments', 'merged']));
  const closed = tcp(99, { dataBytes: 65_495 });
  expect(decideEach(closed, standardState(), NOW_MS).map(({ reason }) => reason)).toEqual(['no-service']);
});

test('IPv6 packets are taken apart the same way, without IDs', () => {
  const merged = tcp6(80, { flags: ALL_FLAGS, sequence: 1000, dataBytes: 4000 });
  const segments = split(merged) as Uint8Array[];
  const headers = segments.map((segment) => {
    const header = parseIpHeader(segment) as IpHeader;
    const { source, destination } = header;
    expect(transportChecksum(segment.subarray(40), source, destination, 6)).toBe(0);
    const { sequence, flags } = parseTcp(segment, 40) as TcpHeader;
    return { length: segment.length, sequence, flags };
  });
  expect(headers).toEqual([
    { length: 1500, sequence: 1000, flags: ACK | ece | cwr },
    { length: 1500, sequence: 2440, flags: ACK | ece },
    { length: 1180, sequence: 3880, flags: ACK | PSH | FIN | ece },
  ]);
  const decisions = decideEach(merged, standardState(ipv6Image()), NOW_MS);
  expect(decisions.map(({ reason }) => reason)).toEqual(['too-big', 'too-big', 'merged']);
});
