import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { settle } from '../../../../src/dataplane/simulated/network/event-loop.ts';
import { LAB } from '../../../../src/dataplane/simulated/network/simulated-topology.ts';
import { requestHttp } from '../../../../src/dataplane/simulated/transport/simulated-http-client.ts';
import type { Service } from '../../../../src/forwarding/forwarding-table.ts';
import { labReals, labTable } from './lab-table.ts';
import { flowsOf, SimLab } from './sim-lab.ts';

const TIMEOUT_MS = 1000;

let lab: SimLab;
beforeEach(async () => {
  lab = await SimLab.open();
});
afterEach(() => lab[Symbol.asyncDispose]());

async function serverOn(port: number): Promise<string> {
  const options = { destination: LAB.vip, port, timeoutMs: TIMEOUT_MS };
  const result = await settle(lab.loop, requestHttp(lab.topology.client, options), 2 * TIMEOUT_MS);
  return result.ok ? result.server : result.error;
}

describe('through the whole plane', () => {
  test.each<[Service['scheduler'], object]>([
    ['lc', { real1: 10, real2: 10, real3: 10 }],
    ['wlc', { real1: 15, real2: 10, real3: 5 }],
    ['nq', { real1: 15, real2: 10, real3: 5 }],
    ['fo', { real1: 30 }],
  ])('%s', async (scheduler, expected) => {
    const reals = labReals({ weight: 3 }, { weight: 2 }, { weight: 1 });
    await lab.plane.apply(labTable({ scheduler, reals }));
    const sessions = await lab.openSessions(30);
    const counts: Record<string, number> = {};
    for (const { server } of sessions) counts[server] = (counts[server] ?? 0) + 1;
    expect(counts).toStrictEqual(expected);
  });

  test.each(['sh', 'dh'] as const)('%s keeps a client with one real', async (scheduler) => {
    await lab.plane.apply(labTable({ scheduler }));
    expect(Object.values(await lab.spread(10))).toStrictEqual([10]);
  });

  test('sh with the port spreads its flows', async () => {
    await lab.plane.apply(labTable({ scheduler: 'sh', schedulerFlags: ['sh-port'] }));
    expect(Object.keys(await lab.spread(40))).toHaveLength(3);
  });
});

test('persistence keeps a client with its real over all ports of a service', async () => {
  lab.topology.provide({ vip: LAB.vip, protocol: 'tcp', port: 81 }, LAB.reals);
  const persistence = { timeoutMs: 60_000, prefixLength: 24 };
  await lab.plane.apply(labTable({ scheduler: 'rr', morePorts: [81], persistence }));
  const first = await serverOn(80);
  for (const port of [81, 80, 81]) expect(await serverOn(port)).toBe(first);
  const states = (await flowsOf(lab.plane)).map(({ state }) => state);
  expect(states.filter((state) => state === 'TEMPLATE' || state === 'ASSURED')).toHaveLength(1);
  // Counted by the sweep.
  lab.loop.advance(10_000);
  const [service] = (await lab.plane.counters()).services;
  expect(service?.reals.map(({ persistentClients }) => persistentClients).sort()).toStrictEqual([0, 0, 1]);
});

test('a real at its upper threshold gets no more, and none at all is refused', async () => {
  const reals = labReals({ upperThreshold: 1 }, { upperThreshold: 2 }, { weight: 0 });
  await lab.plane.apply(labTable({ scheduler: 'rr', reals }));
  const servers = (await lab.openSessions(3)).map(({ server }) => server);
  expect(servers).toStrictEqual(['real1', 'real2', 'real2']);
  expect(await serverOn(80)).not.toMatch(/^real/);
});

test('one-packet scheduling sends each datagram where its turn is, and remembers none', async () => {
  const key = { vip: LAB.vip, protocol: 'udp', port: 53 } as const;
  lab.topology.provide(key, LAB.reals);
  await lab.plane.apply(labTable({ ...key, onePacket: true }));
  const names: string[] = [];
  lab.topology.client.udp.listen(5000, ({ payload }) => names.push(Buffer.from(payload).toString()));
  const ends = { source: LAB.client, sourcePort: 5000, destination: LAB.vip, destinationPort: 53 };
  for (let sent = 0; sent < 6; sent++) lab.topology.client.udp.send({ ...ends, payload: new Uint8Array(8) });
  lab.loop.advance(10);
  expect(new Set(names).size).toBe(3);
  expect(names).toHaveLength(6);
  expect(await flowsOf(lab.plane)).toStrictEqual([]);
});
