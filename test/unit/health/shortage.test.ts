import { afterEach, describe, expect, test, vi } from 'vitest';
import { networkError } from '../../../src/dataplane/network-words.ts';
import { EventLog } from '../../../src/director/event-log.ts';
import { ShortageWatch } from '../../../src/director/shortage-watch.ts';
import { afterAttempt, firstState } from '../../../src/health/check-state.ts';
import { kernelError } from '../../../src/linux/errno.ts';
import { type LocalShortage, localShortageIn } from '../../../src/local-shortage.ts';

const SCHEDULE = { intervalMs: 6000, timeoutMs: 3000, retries: 0, retryDelayMs: 1000, warmupMs: undefined };
const UP = { up: true, sinceMs: 0, lastError: undefined };

describe('a shortage of this machine', () => {
  test.each(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'EAGAIN'])('%s is one', (code) => {
    const node = Object.assign(new Error(`connect ${code}`), { code });
    for (const error of [node, networkError(node), new Error('program: spawn failed', { cause: node })])
      expect(localShortageIn(error)?.code).toBe(code);
  });

  test('of a kernel call is one', () => {
    expect(localShortageIn(networkError(kernelError('open a socket', 24)))?.code).toBe('EMFILE');
  });

  test.each(['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'ENOENT'])(
    '%s is none',
    (code) => expect(localShortageIn(networkError(Object.assign(new Error(code), { code })))).toBeUndefined(),
  );
});

test('an attempt that could not be made leaves a check as it is, and is repeated soon', () => {
  for (const known of [UP, { ...UP, up: false, lastError: 'connection refused' }]) {
    const state = { ...firstState(known, 100), failures: 3 };
    const after = afterAttempt(
      state,
      { startedMs: 100, endedMs: 110, error: 'connect EMFILE', unmade: true },
      SCHEDULE,
    );
    expect(after).toEqual({ ...state, dueMs: 1110 });
  }
});

function watch(): { shortages: ShortageWatch; types: () => string[] } {
  vi.useFakeTimers();
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const events = new EventLog({ now: Date.now, log });
  const shortages = new ShortageWatch(events, Date.now);
  return { shortages, types: () => events.after(0).map(({ type }) => type) };
}

describe('a shortage is reported', () => {
  afterEach(() => void vi.useRealTimers());

  const EMFILE = localShortageIn({ code: 'EMFILE' }) as LocalShortage;

  test('once when it begins and once when it is over, however many checks it concerns', () => {
    const { shortages, types } = watch();
    for (const key of ['a', 'b', 'a']) shortages.attempted(key, EMFILE);
    expect(shortages.status()).toMatchObject([{ code: 'EMFILE', checks: 2 }]);
    expect(shortages.unmadeAttempts).toBe(3);
    shortages.attempted('a', undefined);
    vi.advanceTimersByTime(60_000);
    expect(types()).toEqual(['check-shortage']);
    shortages.attempted('b', undefined);
    vi.advanceTimersByTime(4000);
    shortages.attempted('a', EMFILE);
    shortages.attempted('a', undefined);
    vi.advanceTimersByTime(4000);
    expect(types()).toEqual(['check-shortage']);
    vi.advanceTimersByTime(4000);
    expect(types()).toEqual(['check-shortage', 'check-shortage-over']);
    expect(shortages.status()).toEqual([]);
  });

  test('as over when its checks are gone', () => {
    const { shortages, types } = watch();
    shortages.attempted('a', EMFILE);
    shortages.keepOnly(new Set());
    vi.advanceTimersByTime(6000);
    expect(types()).toEqual(['check-shortage', 'check-shortage-over']);
  });
});
