import { describe, expect, test } from 'vitest';
import { networkError } from '../../../src/dataplane/network-words.ts';
import { afterAttempt, firstState } from '../../../src/health/check-state.ts';
import { kernelError } from '../../../src/linux/errno.ts';
import { localShortageIn } from '../../../src/local-shortage.ts';

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
