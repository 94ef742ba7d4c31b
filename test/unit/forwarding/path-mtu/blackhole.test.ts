import { expect, test } from 'vitest';
import { decide } from '../../../../src/forwarding/forwarder.ts';
import { Blackholes } from '../../../../src/forwarding/path-mtu/blackhole.ts';
import { createForwarderState } from '../../../../src/forwarding/state.ts';
import { CLIENT, DIRECTOR_MAC, MTU, NOW_MS, standardImage } from '../forwarder/fixture.ts';
import { ACK, CLIENT_PORT, tcp } from '../forwarder/packets.ts';

const FLOW = 'a flow';
const LIMITS = { flows: 4, idleMs: 1000 };

test('counts the answers to each packet of each flow', () => {
  const blackholes = new Blackholes(LIMITS);
  blackholes.recordAnswer(FLOW, 1, 0);
  blackholes.recordAnswer(FLOW, 2, 1);
  blackholes.recordAnswer(FLOW, 1, 2);
  expect([1, 2, 3].map((identity) => blackholes.timesTold(FLOW, identity, 3))).toEqual([2, 1, 0]);
  expect(blackholes.timesTold('another', 1, 3)).toBe(0);
});

test('forgets a flow that has been idle', () => {
  const blackholes = new Blackholes(LIMITS);
  blackholes.recordAnswer(FLOW, 1, 0);
  blackholes.cure('cured', 0);
  expect(blackholes.timesTold(FLOW, 1, 1001)).toBe(0);
  expect(blackholes.isCured('cured', 1000)).toBe(true);
  expect(blackholes.isCured('cured', 1001)).toBe(false);
  blackholes.sweep(1001);
  expect(blackholes.size).toBe(0);
});

test('a flood of flows pushes out the oldest, and never those that are cured', () => {
  const blackholes = new Blackholes(LIMITS);
  blackholes.cure('cured', 0);
  for (let i = 0; i < 100; i++) blackholes.recordAnswer(`flow ${i}`, 1, 0);
  expect(blackholes.size).toBe(LIMITS.flows + 1);
  expect(blackholes.isCured('cured', 0)).toBe(true);
  expect(blackholes.timesTold('flow 95', 1, 0)).toBe(0);
  expect(blackholes.timesTold('flow 96', 1, 0)).toBe(1);
});

test('of one flow a bounded number of packets is remembered', () => {
  const blackholes = new Blackholes(LIMITS);
  for (let identity = 0; identity < 20; identity++) blackholes.recordAnswer(FLOW, identity, 0);
  expect(blackholes.timesTold(FLOW, 3, 0)).toBe(0);
  expect(blackholes.timesTold(FLOW, 4, 0)).toBe(1);
});

test('a cure is one event for its flow', () => {
  const events: unknown[] = [];
  const state = createForwarderState({
    image: standardImage(),
    linkMtuBytes: MTU,
    interfaceMac: DIRECTOR_MAC,
    onCured: ({ port }, client, clientPort) => events.push({ port, client, clientPort }),
  });
  const packet = tcp(80, { flags: ACK, dataBytes: 1460 });
  const reasons = Array.from({ length: 5 }, () => decide(packet, state, NOW_MS).reason);
  expect(reasons).toEqual(['too-big', 'too-big', ...Array(3).fill('blackhole-cured')]);
  expect(events).toEqual([{ port: 80, client: CLIENT, clientPort: CLIENT_PORT }]);
});

test('an answer that was withheld does not count as told', () => {
  const state = createForwarderState({
    image: standardImage(),
    linkMtuBytes: MTU,
    interfaceMac: DIRECTOR_MAC,
  });
  for (let i = 0; i < 60; i++) decide(tcp(80, { flags: ACK, sequence: i, dataBytes: 1460 }), state, NOW_MS);
  const packet = tcp(80, { flags: ACK, sequence: 999, dataBytes: 1460 });
  const reasons = Array.from({ length: 4 }, () => decide(packet, state, NOW_MS).reason);
  expect(new Set(reasons)).toEqual(new Set(['too-big-quiet']));
});
