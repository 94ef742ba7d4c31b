import { expect, test } from 'vitest';
import { decide } from '../../../../src/forwarding/forwarder.ts';
import { learnPathMtu } from '../../../../src/forwarding/path-mtu/report.ts';
import { checkKey, type ForwarderState, sweepForwarder } from '../../../../src/forwarding/state.ts';
import { type Ipv4Address, ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import { buildIcmp } from '../../../../src/net/headers/icmp.ts';
import { buildIpv4 } from '../../../../src/net/headers/ipv4.ts';
import { CLIENT, DIRECTOR, NOW_MS, REALS, standardState, VIP } from '../forwarder/fixture.ts';
import { ACK, fragmentationNeeded, hop, icmpError, mangled, outer, tcp, udp } from '../forwarder/packets.ts';

const [, B] = REALS;
const ROUTER = ipv4('10.9.9.9');
const MH = 80;
const RR = 81;
const CLIENT_PACKET = tcp(RR, { flags: ACK, dataBytes: 1440 });
const OUTER = outer(CLIENT_PACKET, B);
const FLOW_OF_RR = tcp(81, { flags: ACK, dataBytes: 1440 });

function report(
  quoted: Uint8Array,
  { mtuBytes = 1300, type = 3, code = 4 }: { mtuBytes?: number; type?: number; code?: number } = {},
): Uint8Array {
  const message = buildIcmp({ type, code, rest: mtuBytes, payload: quoted });
  return buildIpv4({ source: ROUTER, destination: DIRECTOR, protocol: 1 }, message);
}

/** The client's flow is remembered, and has the second turn. */
function knowingState(): ForwarderState {
  const state = standardState();
  decide(tcp(RR, { sourcePort: 1 }), state, NOW_MS);
  decide(tcp(RR), state, NOW_MS);
  return state;
}

function mtus(state: ForwarderState, real: Ipv4Address): number[] {
  return [...state.image.reals()].filter(({ address }) => address === real).map(({ mtuBytes }) => mtuBytes);
}

test('44 quoted bytes lower the path of every entry of the real, and the client is told the new MTU at once', () => {
  const state = knowingState();
  const quoted = OUTER.subarray(0, 48);
  const outcome = learnPathMtu(report(quoted), state, NOW_MS);
  const told = icmpError({ type: 3, code: 4, rest: 1280 }, hop(CLIENT_PACKET).subarray(0, 28));
  expect(outcome).toEqual({
    outcome: 'lowered',
    real: B,
    mtuBytes: 1300,
    answer: { verdict: 'answer', packet: told, to: CLIENT, reason: 'path-mtu-lowered' },
  });
  expect(mtus(state, B)).toEqual([1300, 1300, 1300, 1300, 1300]);
  expect(mtus(state, REALS[0])).toEqual([1500, 1500, 1500, 1500, 1500]);
  expect(state.image.reasonCounts()).toEqual({ 'path-mtu-lowered': 1 });
  const next = decide(CLIENT_PACKET, state, NOW_MS);
  expect(next).toMatchObject({ verdict: 'answer', packet: fragmentationNeeded(CLIENT_PACKET, 1280, 2) });
});

test('of a flow that a ring would have, but nobody remembers, the client is told; probes decide about the path', () => {
  const state = standardState();
  const packet = tcp(MH, { flags: ACK, dataBytes: 1440 });
  const outcome = learnPathMtu(report(outer(packet, B)), state, NOW_MS);
  const told = icmpError({ type: 3, code: 4, rest: 1280 }, hop(packet));
  expect(outcome).toEqual({
    outcome: 'needs-probe',
    real: B,
    mtuBytes: 1300,
    answer: { verdict: 'answer', packet: told, to: CLIENT, reason: 'path-mtu-lowered' },
  });
  expect(mtus(state, B)[0]).toBe(1500);
  expect(state.pathProbes.due(NOW_MS)).toHaveLength(2);
});

test('44 bytes are enough', () => {
  expect(learnPathMtu(report(OUTER.subarray(0, 44)), knowingState(), NOW_MS).outcome).toBe('lowered');
});

test('a route that changes between expiry and sweep keeps its new MTU', () => {
  const state = knowingState();
  learnPathMtu(report(OUTER), state, NOW_MS);
  expect(state.pathMtus.bound(B, 1400, NOW_MS + 600_000)).toBe(1400);
  sweepForwarder(state, NOW_MS + 600_000);
  expect(mtus(state, B)[0]).toBe(1400);
});

test('it holds for 600 seconds, then the route has its own MTU again', () => {
  const state = knowingState();
  learnPathMtu(report(OUTER), state, NOW_MS);
  expect(state.pathMtus.bound(B, 1500, NOW_MS + 599_999)).toBe(1300);
  sweepForwarder(state, NOW_MS + 599_999);
  expect(mtus(state, B)[0]).toBe(1300);
  sweepForwarder(state, NOW_MS + 600_000);
  expect(mtus(state, B)[0]).toBe(1500);
  expect(state.pathMtus.bound(B, 1500, NOW_MS + 600_000)).toBe(1500);
});

test('a route that changes meanwhile is what comes back', () => {
  const state = knowingState();
  learnPathMtu(report(OUTER), state, NOW_MS);
  expect(state.pathMtus.bound(B, 1400, NOW_MS)).toBe(1300);
  sweepForwarder(state, NOW_MS + 600_000);
  expect(mtus(state, B)[0]).toBe(1400);
});

test('a second report lowers it further; one that is not lower only has its client told', () => {
  const state = knowingState();
  learnPathMtu(report(OUTER), state, NOW_MS);
  for (const [i, mtuBytes] of [1300, 1400].entries()) {
    const outcome = learnPathMtu(report(OUTER, { mtuBytes }), state, NOW_MS);
    const packet = fragmentationNeeded(CLIENT_PACKET, 1280, i + 2);
    expect(outcome).toMatchObject({ outcome: 'relayed', answer: { packet, to: CLIENT } });
    expect(mtus(state, B)[0]).toBe(1300);
  }
  expect(learnPathMtu(report(OUTER, { mtuBytes: 1200 }), state, NOW_MS).mtuBytes).toBe(1200);
});

test.each([
  [68, 552],
  [551, 552],
  [552, 552],
  [0, 1492],
])('a reported MTU of %i is taken for %i', (mtuBytes, learned) => {
  const state = knowingState();
  learnPathMtu(report(OUTER, { mtuBytes }), state, NOW_MS);
  expect(mtus(state, B)[0]).toBe(learned);
});

test('28 quoted bytes need a probe', () => {
  const state = knowingState();
  const outcome = learnPathMtu(report(OUTER.subarray(0, 28)), state, NOW_MS);
  expect(outcome).toEqual({ outcome: 'needs-probe', real: B, mtuBytes: 1300 });
  expect(mtus(state, B)[0]).toBe(1500);
});

test('a flow in a rotation has to be remembered', () => {
  const state = standardState();
  const quoted = outer(FLOW_OF_RR, REALS[0]);
  expect(learnPathMtu(report(quoted), state, NOW_MS).outcome).toBe('ignored');
  decide(tcp(81), state, NOW_MS);
  expect(learnPathMtu(report(quoted), state, NOW_MS).outcome).toBe('lowered');
});

const elsewhere = ipv4('10.0.0.77');
const inner = (packet: Uint8Array, fields = {}): Uint8Array => outer(packet, B, fields);

test.each([
  ['an outer source that is not ours', inner(CLIENT_PACKET, { source: elsewhere })],
  ['an outer destination that is no real', inner(CLIENT_PACKET, { destination: elsewhere })],
  ['a flow that has another real', outer(CLIENT_PACKET, REALS[2])],
  ['a port that is no service', inner(tcp(99, { flags: ACK }))],
  ['an address that is no VIP', inner(tcp(MH, { ip: { destination: elsewhere } }))],
  ['a UDP flow that is not remembered', inner(udp(53))],
  ['what is not in a tunnel', buildIpv4({ source: DIRECTOR, destination: B, protocol: 17 }, udp(53))],
  ['a later fragment', inner(CLIENT_PACKET, { fragmentOffsetBytes: 1480 })],
  ['a short quote of a path that is not ours', inner(CLIENT_PACKET, { source: elsewhere }).subarray(0, 28)],
])('nothing forged lowers it: %s', (_, quoted) => {
  const state = knowingState();
  expect(learnPathMtu(report(quoted), state, NOW_MS)).toEqual({ outcome: 'ignored' });
  expect(mtus(state, B)[0]).toBe(1500);
});

test("a quoted check is believed only if it went to the real's VIP", () => {
  const state = knowingState();
  state.checks.set(checkKey(6, 50_000), state.image.findService(VIP, 81, 'tcp')?.reals.get(B) ?? 0);
  const check = (destination: Ipv4Address): Uint8Array =>
    report(outer(tcp(81, { sourcePort: 50_000, ip: { source: DIRECTOR, destination } }), B));
  expect(learnPathMtu(check(ipv4('192.0.2.99')), state, NOW_MS)).toEqual({ outcome: 'ignored' });
  expect(learnPathMtu(check(VIP), state, NOW_MS).outcome).toBe('lowered');
});

test('a message with a wrong checksum, or none of its kind, is ignored', () => {
  const state = knowingState();
  for (const packet of [
    mangled(report(OUTER), 22, 0x1234),
    mangled(report(OUTER), 10, 0x1234, false),
    report(OUTER, { type: 5 }),
    report(OUTER, { type: 12 }),
    report(OUTER).subarray(0, 40),
    new Uint8Array(0),
    OUTER,
  ]) {
    expect(learnPathMtu(packet, state, NOW_MS)).toEqual({ outcome: 'ignored' });
  }
});

test('other errors from the path go on to the client, in limits, if it set DF', () => {
  const state = knowingState();
  const outcome = learnPathMtu(report(OUTER, { type: 3, code: 1, mtuBytes: 0 }), state, NOW_MS);
  const told = icmpError({ type: 3, code: 1 }, hop(CLIENT_PACKET));
  expect(outcome).toMatchObject({ outcome: 'relayed', answer: { to: CLIENT, packet: told } });
  for (let i = 1; i < 6; i++) learnPathMtu(report(OUTER, { type: 11, code: 0 }), state, NOW_MS);
  expect(learnPathMtu(report(OUTER, { type: 4, code: 0 }), state, NOW_MS)).toEqual({ outcome: 'ignored' });
  const noDf = outer(tcp(MH, { flags: ACK, ip: { dontFragment: false } }), B);
  expect(learnPathMtu(report(noDf, { type: 3, code: 1 }), knowingState(), NOW_MS).answer).toBeUndefined();
  expect(mtus(state, B)[0]).toBe(1500);
});

test('random bytes and truncated reports never throw', () => {
  const state = knowingState();
  const packet = report(OUTER);
  for (let length = 0; length <= packet.length; length++)
    learnPathMtu(packet.subarray(0, length), state, NOW_MS);
  expect(mtus(state, B)[0]).toBe(1300);
  expect(decide(report(OUTER), state, NOW_MS)).toEqual({ verdict: 'pass', reason: 'not-ours' });
  expect(VIP).not.toBe(DIRECTOR);
});
