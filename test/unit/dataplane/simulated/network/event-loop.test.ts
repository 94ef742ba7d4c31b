import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventLoop, settle } from '../../../../../src/dataplane/simulated/network/event-loop.ts';
import { driveInRealTime } from '../../../../../src/dataplane/simulated/network/real-time-driver.ts';

test('actions run in the order of their times, those of one time in the order of scheduling', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50)), (delays) => {
      const loop = new EventLoop();
      const ran: { delay: number; index: number }[] = [];
      for (const [index, delay] of delays.entries()) {
        loop.schedule(delay, () => {
          expect(loop.nowMs).toBe(delay);
          ran.push({ delay, index });
        });
      }
      loop.advance(50);
      const expected = delays
        .map((delay, index) => ({ delay, index }))
        .sort((a, b) => a.delay - b.delay || a.index - b.index);
      expect(ran).toStrictEqual(expected);
    }),
  );
});

test('what an action schedules runs in the same advance when it is due, and cancelled actions do not run', () => {
  const loop = new EventLoop();
  const ran: string[] = [];
  loop.schedule(1, () => {
    ran.push('first');
    loop.schedule(1, () => ran.push('second'));
    loop.schedule(5, () => ran.push('late'));
    cancelled.cancel();
  });
  const cancelled = loop.schedule(1.5, () => ran.push('cancelled'));
  loop.advance(3);
  expect(ran).toStrictEqual(['first', 'second']);
  expect(loop.nowMs).toBe(3);
  loop.advance(3);
  expect(ran).toStrictEqual(['first', 'second', 'late']);
});

test('settle moves the time until a promise settles, or gives up', async () => {
  const loop = new EventLoop();
  const promise = new Promise<string>((resolve) => loop.schedule(5000, () => resolve('done')));
  expect(await settle(loop, promise, 6000)).toBe('done');
  expect(loop.nowMs).toBeLessThan(5002);
  await expect(settle(loop, new Promise(() => {}), 100)).rejects.toThrow('nothing after 100 ms');
});

test('driven in real time, actions wait for the clock, also those that are scheduled later', async () => {
  const loop = new EventLoop();
  loop.advance(1000);
  const driver = driveInRealTime(loop);
  try {
    const started = performance.now();
    await new Promise<void>((resolve) => loop.schedule(30, resolve));
    const first = performance.now() - started;
    await new Promise<void>((resolve) => loop.schedule(30, resolve));
    const second = performance.now() - started - first;
    expect(first).toBeGreaterThan(25);
    expect(second).toBeGreaterThan(25);
    expect(loop.nowMs).toBeGreaterThan(1050);
  } finally {
    driver[Symbol.dispose]();
  }
});
