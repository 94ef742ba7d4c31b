import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide, decideEach } from '../../../../src/forwarding/forwarder.ts';
import type { Service } from '../../../../src/forwarding/forwarding-table.ts';
import { TICK_MS } from '../../../../src/forwarding/image/tables/layout.ts';
import { decideCheck } from '../../../../src/forwarding/packets/check-packet.ts';
import { takeProbeReply } from '../../../../src/forwarding/path-mtu/messages.ts';
import { learnPathMtu } from '../../../../src/forwarding/path-mtu/report.ts';
import { REASON_NAMES } from '../../../../src/forwarding/reasons.ts';
import { checkKey, type ForwarderState } from '../../../../src/forwarding/state.ts';
import { type IpAddress, ip, ipBytes, isIpv6 } from '../../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import { PROTOCOL, writeIpv4Checksum } from '../../../../src/net/headers/ipv4.ts';
import { flowsOf } from '../image/tables.ts';
import {
  DIRECTOR,
  DIRECTOR_MAC,
  IF_INDEX,
  imageOf,
  NEXT_HOP_MAC,
  NOW_MS,
  REALS,
  STANDARD_TABLE,
  standardState,
  VIP,
} from './fixture.ts';
import { ipv6Image, outer6, REALS_6 } from './ipv6.ts';
import { ACK, CLIENT_PORT, outer, outerFragments, RST, tcp, udp } from './packets.ts';
import { tcp6, VIP_6 } from './packets6.ts';

const [A, B] = REALS;

function realIndex(state: ForwarderState, port: number, address: IpAddress = A): number {
  const vip = isIpv6(address) ? VIP_6 : VIP;
  return state.image.findService(vip, port, 'tcp')?.reals.get(address) ?? 0;
}

test('counts packets, bytes and connections, of refused packets too', () => {
  const state = standardState();
  const index = realIndex(state, 81);
  for (const packet of [tcp(81), tcp(81, { flags: ACK }), tcp(81, { flags: ACK, dataBytes: 1460 })]) {
    decide(packet, state, NOW_MS);
  }
  expect(state.image.slowCounters(index)).toEqual({ packets: 3, bytes: 40 + 40 + 1500, connections: 1 });
});

test('a next hop that is not known: forwarded all the same', () => {
  const state = standardState();
  for (const { index } of state.image.reals()) {
    state.image.setPath(index, { sourceAddress: DIRECTOR, mtuBytes: 1500, resolved: undefined });
  }
  expect(decide(tcp(81), state, NOW_MS)).toEqual({
    verdict: 'forward',
    real: realIndex(state, 81),
    packets: [outer(tcp(81), A)],
    reason: 'unresolved',
  });
});

test('flows of one client port to several ports of a service are apart', () => {
  const [service] = STANDARD_TABLE.services;
  const ports = { port: 80, morePorts: [443], scheduler: 'rr', hashOn: 'flow' } as const;
  const reals = REALS.map((address) => ({ address, weight: 1, serving: true }));
  const image = imageOf({ ...STANDARD_TABLE, services: [{ ...(service as Service), ...ports, reals }] });
  const state = standardState(image);
  const realOf = (packet: Uint8Array): unknown => decide(packet, state, NOW_MS);
  const kept = realOf(tcp(443));
  realOf(tcp(80));
  realOf(tcp(80, { flags: RST }));
  realOf(tcp(80));
  expect(kept).toMatchObject({ verdict: 'forward' });
  expect(realOf(tcp(443, { flags: ACK }))).toMatchObject({ real: (kept as { real: number }).real });
  expect(flowsOf(image, 10_000)).toHaveLength(2);
});

test('the MTU of each path counts', () => {
  const state = standardState();
  state.image.setMtu(realIndex(state, 81), 1400);
  const packet = udp(53, { dataBytes: 10 });
  expect(decide(packet, state, NOW_MS).reason).toBeUndefined();
  expect(decide(tcp(81, { dataBytes: 1340 }), state, NOW_MS).reason).toBeUndefined();
  const decision = decide(tcp(81, { dataBytes: 1341 }), state, NOW_MS);
  expect(decision.verdict === 'answer' && decision.packet.subarray(24, 28)).toEqual(
    Uint8Array.of(0, 0, 1380 >> 8, 1380 & 255),
  );
});

test('an MTU that no client can be told: nothing is sent', () => {
  const state = standardState();
  state.image.setMtu(realIndex(state, 81), 87);
  expect(decide(tcp(81, { dataBytes: 100 }), state, NOW_MS)).toEqual({
    verdict: 'drop',
    reason: 'too-big-quiet',
  });
  state.image.setMtu(realIndex(state, 81), 88);
  expect(decide(tcp(81, { dataBytes: 100 }), state, NOW_MS).reason).toBe('too-big');
});

test('an MTU under any that IP allows still ends', () => {
  const state = standardState();
  state.image.setMtu(realIndex(state, 81), 0);
  const decision = decide(tcp(81, { ip: { dontFragment: false } }), state, NOW_MS);
  expect(decision.verdict === 'forward' && decision.packets.length).toBe(5);
});

test('answers about packets that are too big are limited for each client', () => {
  const state = standardState();
  const reasons = Array.from(
    { length: 60 },
    (_, sequence) => decide(tcp(80, { flags: ACK, sequence, dataBytes: 1460 }), state, NOW_MS).reason,
  );
  expect(reasons.filter((reason) => reason === 'too-big')).toHaveLength(50);
  expect(reasons.slice(50).every((reason) => reason === 'too-big-quiet')).toBe(true);
  const other = tcp(80, { flags: ACK, dataBytes: 1460, ip: { source: ipv4('198.51.100.8') } });
  expect(decide(other, state, NOW_MS).reason).toBe('too-big');
});

test('port unreachable: six at once, then one a second', () => {
  const state = standardState();
  const answered = (nowMs: number): boolean => decide(tcp(82), state, nowMs).verdict === 'answer';
  expect(Array.from({ length: 8 }, () => answered(NOW_MS)).filter(Boolean)).toHaveLength(6);
  expect([answered(NOW_MS + 999), answered(NOW_MS + 1000), answered(NOW_MS + 1001)]).toEqual([
    false,
    true,
    false,
  ]);
});

test('a flow of a real that is deleted is reset in a rotation', () => {
  const state = standardState();
  decide(tcp(81), state, NOW_MS);
  const services = STANDARD_TABLE.services.map((service) =>
    service.port === 81 ? { ...service, reals: service.reals.slice(1) } : service,
  );
  state.image.apply({ ...STANDARD_TABLE, services }, NOW_MS / TICK_MS);
  expect(decide(tcp(81, { flags: ACK }), state, NOW_MS).reason).toBe('no-flow');
});

test("a check's packets go to the real under test, whatever the service would choose, and leave no flow", () => {
  const state = standardState();
  const source = { sourcePort: 50_000, ip: { source: DIRECTOR } };
  const index = realIndex(state, 81, B);
  state.checks.set(checkKey(PROTOCOL.tcp, 50_000), index);
  const before = state.image.cursors.slice();
  for (const packet of [tcp(81, source), tcp(99, source), tcp(81, { ...source, flags: RST })]) {
    expect(decideCheck(packet, state, NOW_MS)).toEqual({
      verdict: 'forward',
      real: index,
      packets: [outer(packet, B)],
      reason: 'check',
    });
  }
  expect(flowsOf(state.image, NOW_MS / TICK_MS)).toEqual([]);
  expect(state.image.cursors).toEqual(before);
  expect(state.image.slowCounters(index).packets).toBe(0);
});

test('a check reaches a real that does not serve', () => {
  const state = standardState();
  const index = realIndex(state, 82, B);
  state.checks.set(checkKey(PROTOCOL.tcp, 50_000), index);
  const packet = tcp(82, { sourcePort: 50_000, ip: { source: DIRECTOR } });
  expect(decideCheck(packet, state, NOW_MS)).toMatchObject({
    verdict: 'forward',
    real: index,
    reason: 'check',
  });
});

test("an IPv6 check's packets go to the real under test; an IPv4 check with the same port is another", () => {
  const state = standardState(ipv6Image());
  const [, real] = REALS_6;
  const index = realIndex(state, 81, real);
  state.checks.set(checkKey(PROTOCOL.tcp, 50_000, 6), index);
  state.checks.set(checkKey(PROTOCOL.tcp, 50_000), realIndex(state, 81, REALS_6[0]));
  const source = ip('2001:db8:0:1::3');
  state.ownAddresses.add(source);
  const packet = tcp6(81, { sourcePort: 50_000, ip6: { source: source as typeof VIP_6 } });
  expect(decideCheck(packet, state, NOW_MS)).toEqual({
    verdict: 'forward',
    real: index,
    packets: [outer6(packet, real)],
    reason: 'check',
  });
});

test("a client's packet cannot pass for a check's, and another packet of the checks' namespace goes nowhere", () => {
  const state = standardState();
  state.checks.set(checkKey(PROTOCOL.tcp, 50_000), realIndex(state, 81, B));
  const check = tcp(81, { sourcePort: 50_000, ip: { source: DIRECTOR } });
  expect(decide(check, state, NOW_MS)).toEqual({ verdict: 'drop', reason: 'martian-source' });
  expect(decideCheck(check, state, NOW_MS)).toMatchObject({ real: realIndex(state, 81, B), reason: 'check' });
  for (const other of [tcp(81, { sourcePort: 50_001 }), udp(53), new Uint8Array(3)]) {
    expect(decideCheck(other, state, NOW_MS)).toBeUndefined();
  }
});

test('fragments of one size below the path: the outer ones are cut on multiples of eight', () => {
  const state = standardState();
  state.image.setPath(realIndex(state, 81), {
    sourceAddress: DIRECTOR,
    mtuBytes: 1006,
    resolved: { nextHopMac: NEXT_HOP_MAC, sourceMac: DIRECTOR_MAC, ifIndex: IF_INDEX },
  });
  const packet = tcp(81, { dataBytes: 1460, ip: { dontFragment: false } });
  const decision = decide(packet, state, NOW_MS);
  expect(decision.verdict === 'forward' && decision.packets).toEqual(
    outerFragments(packet, A, { id: 1, ends: [984, 1500] }),
  );
});

const addressed = fc
  .tuple(
    fc.uint8Array({ minLength: 20, maxLength: 120 }),
    fc.constantFrom(1, 6, 6, 17, 17, 47),
    fc.constantFrom(80, 81, 53, 82, 99),
    fc.boolean(),
  )
  .map(([bytes, protocol, port, sound]) => {
    bytes.set([0xc0, 0, 2, 10], 16);
    bytes[9] = protocol;
    if (bytes.length >= 24) bytes.set([port >> 8, port & 255], 22);
    if (sound) {
      if (((bytes[6] as number) & 3) !== 0) bytes.set([0x40, 0], 6);
      bytes[0] = 0x45;
      bytes.set([0, bytes.length], 2);
      writeIpv4Checksum(bytes, 0, 20);
    }
    return bytes;
  });

const EXTENSIONS = [0, 43, 44, 51, 60];

/** IPv6 to the VIP with any headers, most of them such as there are. */
const addressed6 = fc
  .tuple(
    fc.uint8Array({ minLength: 40, maxLength: 160 }),
    fc.array(fc.constantFrom(...EXTENSIONS, 6, 17, 58, 59, 132), { minLength: 1, maxLength: 6 }),
    fc.constantFrom(80, 81, 53, 82, 99),
    fc.boolean(),
  )
  .map(([bytes, headers, port, sound]) => {
    bytes.set(ipBytes(VIP_6), 24);
    bytes[0] = 0x60 | ((bytes[0] as number) & 15);
    if (sound) bytes.set([0, bytes.length - 40], 4);
    let at = 40;
    bytes[6] = headers[0] as number;
    for (const [i, header] of headers.entries()) {
      const isLast = !EXTENSIONS.includes(header) || at + 16 > bytes.length;
      if (isLast) break;
      bytes.set([headers[i + 1] ?? 6, 0], at);
      at += 8;
    }
    if (at + 4 <= bytes.length) bytes.set([port >> 8, port & 255], at + 2);
    return bytes;
  });

test('whatever comes of IPv6 has exactly one verdict, as a packet, as a report and as an answer to a probe', () => {
  const state = standardState(ipv6Image());
  const reasons = new Set<string>();
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), addressed6, addressed6), (bytes) => {
      const decision = decide(bytes, state, NOW_MS);
      if (decision.verdict !== 'forward') expect(REASON_NAMES).toContain(decision.reason);
      reasons.add(decision.reason ?? 'forward');
      expect(learnPathMtu(bytes, state, NOW_MS)).toBeDefined();
      expect(takeProbeReply(bytes, state)).toBe(false);
    }),
    { numRuns: 3000 },
  );
  expect(reasons.size).toBeGreaterThan(8);
});

test('whatever comes has exactly one verdict, with a reason unless it is simply forwarded', () => {
  const state = standardState();
  const reasons = new Set<string>();
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), addressed, addressed), (bytes) => {
      const decision = decide(bytes, state, NOW_MS);
      expect(['forward', 'answer', 'hold', 'drop', 'pass']).toContain(decision.verdict);
      if (decision.verdict !== 'forward') expect(REASON_NAMES).toContain(decision.reason);
      reasons.add(decision.reason ?? 'forward');
      expect(decideEach(bytes, state, NOW_MS)).toHaveLength(1);
    }),
    { numRuns: 3000 },
  );
  expect(reasons.size).toBeGreaterThan(8);
});

test("a packet from the director's own address that no check has sent is no client's", () => {
  const state = standardState();
  const index = realIndex(state, 81);
  const sent = [
    tcp(81, { ip: { source: DIRECTOR } }),
    tcp(80, { ip: { source: DIRECTOR } }),
    udp(53, { ip: { source: DIRECTOR } }),
  ];
  for (const packet of sent)
    expect(decide(packet, state, NOW_MS)).toEqual({ verdict: 'drop', reason: 'martian-source' });
  expect(flowsOf(state.image, NOW_MS / TICK_MS)).toEqual([]);
  state.checks.set(checkKey(PROTOCOL.tcp, CLIENT_PORT), index);
  expect(decideCheck(sent[0] as Uint8Array, state, NOW_MS)).toMatchObject({
    verdict: 'forward',
    reason: 'check',
  });
});
