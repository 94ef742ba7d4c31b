import { describe, expect, it } from 'vitest';
import { SCHEDULER_NAMES } from '../../../../src/forwarding/scheduler-names.ts';
import { addressesFrom, type Real, realsOf, request, schedule, schedulerOf } from './reals.ts';

describe('what a choice among 1,000 reals costs', () => {
  const LIMIT_MICROSECONDS = 20;
  const PATIENCE_MS = 3000;

  it.each(SCHEDULER_NAMES)('%s: at most 20 microseconds in a quiet moment', (name) => {
    const reals = realsOf(...Array.from({ length: 1000 }, (_, i) => 1 + (i % 100)));
    const by = schedulerOf(name, ...(name === 'sh' ? (['sh-fallback'] as const) : []));
    const clients = addressesFrom('198.51.100.0', 50);
    // Others share the machine: what counts is what it costs when they leave it alone.
    const deadline = performance.now() + PATIENCE_MS;
    let best = microsecondsEach(by, reals, clients);
    while (best >= LIMIT_MICROSECONDS && performance.now() < deadline) {
      best = Math.min(best, microsecondsEach(by, reals, clients));
    }
    expect(best).toBeLessThan(LIMIT_MICROSECONDS);
  });
});

function microsecondsEach(
  by: ReturnType<typeof schedulerOf>,
  reals: readonly Real[],
  clients: ReturnType<typeof addressesFrom>,
): number {
  const started = performance.now();
  for (const client of clients) schedule(by, reals, request({ client, random: Math.random }));
  return ((performance.now() - started) * 1000) / clients.length;
}
