import { expect, test } from 'vitest';
import { EventLoop } from '../../../../src/dataplane/simulated/network/event-loop.ts';
import { driveInRealTime } from '../../../../src/dataplane/simulated/network/real-time-driver.ts';
import { LAB, labTopology } from '../../../../src/dataplane/simulated/network/simulated-topology.ts';
import { openSimulatedPlane } from '../../../../src/dataplane/simulated/open-simulated.ts';
import { requestHttp } from '../../../../src/dataplane/simulated/transport/simulated-http-client.ts';
import type { Check } from '../../../../src/health/check-identity.ts';
import { Checker } from '../../../../src/health/checker.ts';
import { openProbe } from '../../../../src/health/open-probe.ts';
import { labReals, labTable } from './lab-table.ts';

const SCHEDULE = { intervalMs: 40, timeoutMs: 40, retries: 1, retryDelayMs: 20, warmupMs: undefined };

/** Checks through the simulated tunnel take a real out whose server is killed, and bring it back. Real time. */
test('a failing real goes out and comes back without a failed request after detection', async () => {
  const loop = new EventLoop();
  const topology = labTopology(loop);
  const driver = driveInRealTime(loop);
  const plane = await openSimulatedPlane({ topology });
  const stop = new AbortController();
  const up = new Map(LAB.reals.map((address) => [String(address), true]));
  let changed = Promise.withResolvers<boolean>();
  const apply = () =>
    plane.apply(
      labTable({
        reals: labReals(...LAB.reals.map((address) => ({ serving: up.get(String(address)) ?? true }))),
      }),
    );
  const checker = new Checker({
    connector: plane.connector,
    signal: stop.signal,
    onResult: (key, state) => {
      if (up.get(key) === state.up) return;
      up.set(key, state.up);
      void apply().then(() => changed.resolve(state.up));
    },
  });
  const spread = async (requests: number): Promise<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (let count = 0; count < requests; count++) {
      const result = await requestHttp(topology.client, { destination: LAB.vip, port: 80, timeoutMs: 1000 });
      const name = result.ok ? result.server : result.error;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  };
  try {
    await apply();
    const checks = LAB.reals.map((real): Check => {
      const target = { via: 'tunnel', vip: LAB.vip, port: 80, real } as const;
      const probe = openProbe({ type: 'tcp' });
      const how = { type: 'tcp', probe, schedule: SCHEDULE, alpha: false, logAllFailures: false } as const;
      return { key: String(real), target, ...how };
    });
    checker.update(checks.map((check) => ({ check, known: { up: true, sinceMs: 0, lastError: undefined } })));
    expect(await spread(30)).toStrictEqual({ real1: 10, real2: 10, real3: 10 });

    topology.reals[1]?.killHttp(80);
    expect(await changed.promise).toBe(false);
    expect(checker.state(String(LAB.reals[1]))?.lastError).toBe('connection refused');
    expect(await spread(30)).toStrictEqual({ real1: 15, real3: 15 });

    changed = Promise.withResolvers();
    topology.reals[1]?.serveHttp(80);
    expect(await changed.promise).toBe(true);
    expect(await spread(30)).toStrictEqual({ real1: 10, real2: 10, real3: 10 });
  } finally {
    stop.abort();
    await plane.close();
    driver[Symbol.dispose]();
  }
});
