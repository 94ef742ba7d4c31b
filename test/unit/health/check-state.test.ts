import { describe, expect, test } from 'vitest';
import {
  afterAttempt,
  type CheckSchedule,
  type CheckState,
  firstAttemptDelayMs,
  firstState,
} from '../../../src/health/check-state.ts';
import { weightBy } from '../../../src/health/weight-effect.ts';

/** keepalived's delay_loop, connect_timeout, retry and delay_before_retry. */
const SCHEDULE: CheckSchedule = {
  intervalMs: 6000,
  timeoutMs: 3000,
  retries: 3,
  retryDelayMs: 1000,
  warmupMs: undefined,
};
const START = firstState({ up: true, sinceMs: 0, lastError: undefined }, 100);
const REFUSED = 'connection refused';

/** Plays attempts that begin when they are due and take `durationMs`; returns each start and what came of it. */
function play(
  outcomes: readonly (string | undefined)[],
  { from = START, durationMs = 0, schedule = SCHEDULE } = {},
): { state: CheckState; starts: number[]; up: boolean[] } {
  let state = from;
  const [starts, up]: [number[], boolean[]] = [[], []];
  for (const error of outcomes) {
    starts.push(state.dueMs);
    const attempt = { startedMs: state.dueMs, endedMs: state.dueMs + durationMs, error };
    state = afterAttempt(state, attempt, schedule);
    up.push(state.up);
  }
  return { state, starts, up };
}

const fails = (count: number): string[] => Array<string>(count).fill(REFUSED);

test('while all is well there is an attempt per interval', () => {
  expect(play([undefined, undefined, undefined]).starts).toEqual([100, 6100, 12_100]);
});

test('a failed attempt is followed by `retries` further ones, and the last of them takes the real out', () => {
  const { starts, up, state } = play([undefined, ...fails(4)]);
  expect(starts).toEqual([100, 6100, 7100, 8100, 9100]);
  expect(up).toEqual([true, true, true, true, false]);
  expect(state).toMatchObject({ sinceMs: 9100, failures: 4, lastError: REFUSED });
});

test('delays count from the end of an attempt that took its time', () => {
  expect(play(fails(5), { durationMs: 3000 }).starts).toEqual([100, 4100, 8100, 12_100, 21_100]);
});

test('while down there is one attempt per interval, without retries', () => {
  expect(play(fails(7)).starts.slice(3)).toEqual([3100, 9100, 15_100, 21_100]);
});

test('one attempt that passes brings a real back, with all its retries', () => {
  const { state, up } = play([...fails(5), undefined]);
  expect(up.slice(3)).toEqual([false, false, true]);
  expect(state).toMatchObject({ failures: 0, lastError: undefined, sinceMs: 15_100 });
  expect(play(fails(4), { from: state }).up).toEqual([true, true, true, false]);
});

test('an attempt that passes in between leaves the real in, and the failures forgotten', () => {
  const { up, starts } = play([...fails(3), undefined, ...fails(4)]);
  expect(up).toEqual([true, true, true, true, true, true, true, false]);
  expect(starts[4]).toBe(9100);
});

test('without retries the first failure takes a real out', () => {
  expect(play(fails(1), { schedule: { ...SCHEDULE, retries: 0 } }).up).toEqual([false]);
});

test('a real that was down before the start stays so until an attempt has passed', () => {
  const from = firstState({ up: false, sinceMs: -5000, lastError: REFUSED }, 100);
  const { up, state } = play([REFUSED, undefined], { from });
  expect(up).toEqual([false, true]);
  expect(state.sinceMs).toBe(6100);
  expect(play([REFUSED], { from }).state.sinceMs).toBe(-5000);
});

test('the weight is what the last attempt that passed has found', () => {
  const attempt = { startedMs: 0, endedMs: 0 };
  const found = afterAttempt(START, { ...attempt, error: undefined, weight: { set: 3 } }, SCHEDULE);
  expect(found.weight).toEqual({ set: 3 });
  const failed = afterAttempt(found, { ...attempt, error: REFUSED }, SCHEDULE);
  expect(failed.weight).toEqual({ set: 3 });
  expect(afterAttempt(failed, { ...attempt, error: undefined }, SCHEDULE).weight).toBeUndefined();
});

test('weights stay within what a real can have', () => {
  expect(weightBy([], 100)).toBe(100);
  expect(weightBy([{ set: 7 }], 100)).toBe(7);
  expect([-200, -30, 5, 70_000].map((add) => weightBy([{ add }], 100))).toEqual([0, 70, 105, 65_535]);
});

test('weights of several checks add up as their differences to the configured one', () => {
  expect(weightBy([{ set: 90 }, { add: 5 }], 100)).toBe(95);
  expect(weightBy([{ set: 90 }, { set: 80 }], 100)).toBe(70);
  expect(weightBy([{ set: 0 }, { set: 0 }, { add: 150 }], 100)).toBe(50);
});

describe('timers are late', () => {
  test('a little: the lateness does not add up', () => {
    let state = START;
    for (let attempt = 0; attempt < 4; attempt++) {
      const startedMs = state.dueMs + 4;
      state = afterAttempt(state, { startedMs, endedMs: startedMs + 1, error: REFUSED }, SCHEDULE);
    }
    expect(state.sinceMs).toBe(100 + 3 * 1001 + 4 + 1);
  });
  test('by a long sleep of the machine: what was missed is not made up for', () => {
    const late = { startedMs: 3_600_100, endedMs: 3_600_101, error: undefined };
    expect(afterAttempt(START, late, SCHEDULE).dueMs).toBe(3_606_101);
  });
  test('checks that stood still together go back to their places, at least half a delay away', () => {
    const startedMs = 100_000;
    const dues = [1000, 2000, 3000, 4000, 5000, 6000].map((dueMs) => {
      const from = { ...START, dueMs };
      return afterAttempt(from, { startedMs, endedMs: startedMs + 1, error: undefined }, SCHEDULE).dueMs;
    });
    // 100 s is 16 intervals and 4 s: the check of the fourth second is in its place, that of the first half a delay off.
    expect(dues).toEqual([109_001, 104_001, 105_001, 106_001, 107_001, 108_001]);
  });
});

test('first attempts are spread evenly over the interval, the first one at once', () => {
  expect(firstAttemptDelayMs(0, 6000)).toBe(0);
  const delays = Array.from({ length: 1000 }, (_, index) => firstAttemptDelayMs(index, 6000));
  const perSecond = [0, 1, 2, 3, 4, 5].map(
    (second) => delays.filter((ms) => Math.floor(ms / 1000) === second).length,
  );
  for (const count of perSecond) expect(Math.abs(count - 1000 / 6)).toBeLessThan(4);
});
