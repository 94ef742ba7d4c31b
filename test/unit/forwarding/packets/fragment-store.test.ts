import { expect, test } from 'vitest';
import { decide } from '../../../../src/forwarding/forwarder.ts';
import { FragmentStore } from '../../../../src/forwarding/packets/fragment-store.ts';
import { sweepForwarder } from '../../../../src/forwarding/state.ts';
import { NOW_MS, standardState } from '../forwarder/fixture.ts';
import { fragmentsOf, udp } from '../forwarder/packets.ts';

const LIMITS = { datagrams: 3, heldBytes: 100, heldPerDatagram: 2, timeoutMs: 1000 };
const bytes = (length: number): Uint8Array => new Uint8Array(length);

test('holds copies, and releases them in order', () => {
  const store = new FragmentStore(LIMITS);
  const fragment = Uint8Array.of(1, 2, 3);
  expect(store.hold('a', fragment, 0)).toBe(true);
  expect(store.hold('a', bytes(2), 0)).toBe(true);
  fragment.fill(9);
  expect(store.decide('a', { real: 7 }, 0)).toEqual([Uint8Array.of(1, 2, 3), bytes(2)]);
  expect(store.fate('a', 999)).toEqual({ real: 7 });
  expect(store.decide('a', { real: 7 }, 0)).toEqual([]);
});

test('holds so many bytes and so many fragments of one packet, no more', () => {
  const store = new FragmentStore(LIMITS);
  expect(store.hold('a', bytes(60), 0)).toBe(true);
  expect(store.hold('b', bytes(60), 0)).toBe(false);
  expect(store.hold('b', bytes(10), 0)).toBe(true);
  expect(store.hold('b', bytes(10), 0)).toBe(true);
  expect(store.hold('b', bytes(1), 0)).toBe(false);
  store.decide('a', { real: 1 }, 0);
  expect(store.hold('c', bytes(60), 0)).toBe(true);
});

test('forgets after its time, and gives the room back', () => {
  const store = new FragmentStore(LIMITS);
  store.decide('decided', { real: 1 }, 0);
  store.hold('held', bytes(100), 500);
  expect(store.fate('decided', 1000)).toBeUndefined();
  expect(store.hold('late', bytes(1), 1499)).toBe(false);
  expect(store.hold('late', bytes(100), 1500)).toBe(true);
  expect(store.takeDropped()).toBe(1);
  expect(store.takeDropped()).toBe(0);
});

test('an ID that comes round again starts anew', () => {
  const store = new FragmentStore(LIMITS);
  store.decide('a', { real: 1 }, 0);
  store.decide('a', { real: 2 }, 900);
  expect(store.fate('a', 1800)).toEqual({ real: 2 });
});

test('the oldest packet makes way', () => {
  const store = new FragmentStore(LIMITS);
  for (const key of ['a', 'b', 'c', 'd']) store.decide(key, { real: 1 }, 0);
  expect(['a', 'b', 'c', 'd'].map((key) => store.fate(key, 0) !== undefined)).toEqual([
    false,
    true,
    true,
    true,
  ]);
});

test('what was held for a packet that is dropped is dropped with it', () => {
  const store = new FragmentStore(LIMITS);
  store.hold('a', bytes(1), 0);
  expect(store.decide('a', 'dropped', 0)).toEqual([]);
  expect(store.takeDropped()).toBe(1);
});

test('fragments whose first one never comes are counted when they are given up', () => {
  const state = standardState();
  const [, second, third] = fragmentsOf(udp(53, { dataBytes: 2000 }), [800, 1600]);
  for (const fragment of [second, third]) decide(fragment as Uint8Array, state, NOW_MS);
  sweepForwarder(state, NOW_MS + 29_999);
  expect(state.image.reasonCounts()).toEqual({ 'fragment-held': 2 });
  sweepForwarder(state, NOW_MS + 30_000);
  expect(state.image.reasonCounts()).toEqual({ 'fragment-held': 2, 'fragment-dropped': 2 });
});

test('fragments of a flood of packets are held within bounds', () => {
  const state = standardState();
  const [, second] = fragmentsOf(udp(53, { dataBytes: 2000 }), [800]) as [Uint8Array, Uint8Array];
  for (let id = 0; id < 5000; id++) {
    const fragment = second.slice();
    fragment[4] = id >> 8;
    fragment[5] = id;
    fragment[10] = fragment[11] = 0;
    const sum = [...Array(10).keys()].reduce(
      (total, i) => total + (fragment[2 * i] as number) * 256 + (fragment[2 * i + 1] as number),
      0,
    );
    const folded = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
    fragment[10] = folded >> 8;
    fragment[11] = folded;
    decide(fragment, state, NOW_MS);
  }
  const { 'fragment-held': held = 0, 'fragment-dropped': dropped = 0 } = state.image.reasonCounts();
  expect(held + dropped).toBe(5000);
  expect(held).toBeLessThan(4000);
});
