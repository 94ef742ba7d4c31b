import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { waitDrained } from '../../../../src/cli/steps/wait-drained.ts';
import type { WireReal } from '../../../../src/contract/api/service-status.ts';
import { CulvertError } from '../../../../src/errors.ts';

const real: WireReal = {
  service: { protocol: 'tcp', vip: '192.0.2.10', port: 80 },
  address: '10.0.3.2',
  configuredWeight: 100,
  override: null,
  drained: true,
  effectiveWeight: 0,
  serving: true,
  inhibitOnFailure: false,
  tunnel: null,
  upperThreshold: 0,
  lowerThreshold: 0,
  activeFlows: 2,
  inactiveFlows: 0,
  activeKnown: true,
  completeAt: null,
  persistentClients: 0,
  health: {
    state: 'up',
    since: '2026-01-01T00:00:00Z',
    lastError: null,
    failures: 0,
    checks: [],
    weight: null,
  },
};
const gone = new CulvertError('NOT_RUNNING', 'nobody answers');

/** Answers, or fails, as the list says; the last entry again and again. */
function director(...answers: readonly (readonly WireReal[] | CulvertError)[]): {
  reals(): Promise<readonly WireReal[]>;
} {
  let at = 0;
  return {
    reals: async () => {
      const answer = answers[Math.min(at++, answers.length - 1)] ?? [];
      if (answer instanceof CulvertError) throw answer;
      return answer;
    },
  };
}

function wait(client: ReturnType<typeof director>): { ended: Promise<void>; said: string[] } {
  const said: string[] = [];
  const progress = (line: string): void => void said.push(line);
  const signal = new AbortController().signal;
  return { ended: waitDrained(client, { reals: [real], timeoutMs: 60_000, signal, progress }), said };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('goes on over a restart of the director, and says so once', async () => {
  const { ended, said } = wait(director([real], gone, gone, [real], [{ ...real, activeFlows: 0 }]));
  await Promise.all([ended, vi.advanceTimersByTimeAsync(10_000)]);
  expect(said).toEqual([
    '10.0.3.2 in tcp 192.0.2.10:80: 2 active, 0 inactive',
    'the director is gone; waiting until one answers again',
    '10.0.3.2 in tcp 192.0.2.10:80: 2 active, 0 inactive',
  ]);
});

test('times out, with what was left last, where no director comes back', async () => {
  const { ended } = wait(director([real], gone));
  await Promise.all([
    expect(ended).rejects.toMatchObject({ code: 'TIMEOUT', message: expect.stringContaining('2 active') }),
    vi.advanceTimersByTimeAsync(61_000),
  ]);
});

test('a director that comes back without the drain ends it', async () => {
  const { ended } = wait(director([real], gone, [{ ...real, drained: false }]));
  await Promise.all([
    expect(ended).rejects.toMatchObject({ code: 'CONFLICT' }),
    vi.advanceTimersByTimeAsync(10_000),
  ]);
});
