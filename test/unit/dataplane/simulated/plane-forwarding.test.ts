import { afterEach, beforeEach, expect, test } from 'vitest';
import { Router } from '../../../../src/dataplane/simulated/network/router.ts';
import { Host } from '../../../../src/dataplane/simulated/network/simulated-host.ts';
import { Link } from '../../../../src/dataplane/simulated/network/simulated-link.ts';
import { LAB } from '../../../../src/dataplane/simulated/network/simulated-topology.ts';
import { openSimulatedPlane } from '../../../../src/dataplane/simulated/open-simulated.ts';
import { RealServer } from '../../../../src/dataplane/simulated/real-server.ts';
import { requestHttp } from '../../../../src/dataplane/simulated/transport/simulated-http-client.ts';
import { type Ipv4Address, ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import { buildIpv4, PROTOCOL } from '../../../../src/net/headers/ipv4.ts';
import { buildTcp, TCP_FLAGS } from '../../../../src/net/headers/tcp.ts';
import { labReals, labTable } from './lab-table.ts';
import { flowsOf, SimLab } from './sim-lab.ts';

const ANYWHERE = 0 as Ipv4Address;

let lab: SimLab;
beforeEach(async () => {
  lab = await SimLab.open();
});
afterEach(() => lab[Symbol.asyncDispose]());

test('rr gives every real the same, and the counters say so', async () => {
  await lab.plane.apply(labTable());
  expect(await lab.spread(30)).toStrictEqual({ real1: 10, real2: 10, real3: 10 });
  const { services, handedOver } = await lab.plane.counters();
  expect(services).toHaveLength(1);
  expect(services[0]).toMatchObject({ connections: 30, key: { vip: LAB.vip, protocol: 'tcp', port: 80 } });
  expect(services[0]?.reals.map(({ connections }) => connections)).toStrictEqual([10, 10, 10]);
  expect(services[0]?.packets).toBeGreaterThan(30 * 4);
  expect(services[0]?.bytes).toBeGreaterThan(30 * 4 * 40);
  expect(handedOver).toBe(0);
});

test('wrr follows the weights', async () => {
  const reals = labReals({ weight: 3 }, { weight: 2 }, { weight: 1 });
  await lab.plane.apply(labTable({ scheduler: 'wrr', reals }));
  expect(await lab.spread(12)).toStrictEqual({ real1: 6, real2: 4, real3: 2 });
});

test('mh spreads flows and keeps none in memory', async () => {
  await lab.plane.apply(labTable({ scheduler: 'mh' }));
  const counts = await lab.spread(90);
  expect(Object.keys(counts).sort()).toStrictEqual(['real1', 'real2', 'real3']);
  expect(Math.min(...Object.values(counts))).toBeGreaterThan(10);
  expect(await flowsOf(lab.plane)).toStrictEqual([]);
});

test('UDP goes through too, longer datagrams in fragments to the same real', async () => {
  const key = { vip: LAB.vip, protocol: 'udp', port: 53 } as const;
  lab.topology.provide(key, LAB.reals);
  await lab.plane.apply(labTable(key));
  const names: string[] = [];
  lab.topology.client.udp.listen(5000, ({ payload }) => names.push(Buffer.from(payload).toString()));
  const ends = { source: LAB.client, sourcePort: 5000, destination: LAB.vip, destinationPort: 53 };
  for (const bytes of [10, 1472, 4000])
    lab.topology.client.udp.send({ ...ends, payload: new Uint8Array(bytes) });
  lab.loop.advance(10);
  expect(names).toHaveLength(3);
  expect(new Set(names).size).toBe(1);
  expect(await flowsOf(lab.plane)).toMatchObject([{ state: 'UDP', clientPort: 5000, client: LAB.client }]);
});

test('without a service on the port the connection is refused at once', async () => {
  await lab.plane.apply(labTable({ port: 8080 }));
  expect(await lab.request()).toMatchObject({ ok: false, error: 'connection refused' });
  expect((await lab.plane.counters()).reasons['no-service']).toBe(1);
});

test('with no real that serves it is refused at once too', async () => {
  await lab.plane.apply(
    labTable({ reals: labReals({ serving: false }, { serving: false }, { serving: false }) }),
  );
  expect(await lab.request()).toMatchObject({ ok: false, error: 'connection refused' });
  expect((await lab.plane.counters()).reasons['no-real']).toBe(1);
});

test('a narrow link behind the router is learned from its ICMP, and the client is told', async () => {
  /** router ── MTU 1400 ── far ── MTU 1500 ── real: the real's own MSS does not tell of the narrow link. */
  const { loop, topology } = lab;
  const address = ipv4('10.0.4.2');
  const far = new Router(loop);
  const narrow = new Link(loop, { mtuBytes: 1400 });
  const last = new Link(loop);
  topology.router.ip.addRoute(
    address,
    32,
    topology.router.ip.addInterface(narrow.ends[0], ipv4('10.9.0.1'), 24),
  );
  far.ip.addRoute(ANYWHERE, 0, far.ip.addInterface(narrow.ends[1], ipv4('10.9.0.2'), 24));
  far.ip.addInterface(last.ends[0], ipv4('10.0.4.1'), 24);
  const real = new RealServer(loop, 'far', address);
  real.host.ip.addRoute(ANYWHERE, 0, real.host.ip.addInterface(last.ends[1], address, 24));
  real.addVip(LAB.vip);
  real.serveHttp(80);

  await lab.plane.apply(labTable({ reals: [{ address, weight: 1, serving: true }] }));
  expect(await lab.request(100_000)).toMatchObject({ ok: true, server: 'far' });
  expect(topology.client.ip.pathMtu(LAB.vip)).toBe(1380);
  expect((await lab.plane.counters()).reasons['path-mtu-lowered']).toBe(1);
});

test('the VIP answers echo', () => {
  const host: Host = lab.topology.client;
  const replies: number[] = [];
  host.ip.ingress = (packet, header) => {
    if (header.source === LAB.vip && header.protocol === PROTOCOL.icmp)
      replies.push(packet[header.headerBytes] ?? -1);
    return false;
  };
  return lab.plane.apply(labTable()).then(() => {
    const echo = Uint8Array.of(8, 0, 0xf7, 0xff, 0, 0, 0, 0);
    host.ip.send(buildIpv4({ source: LAB.client, destination: LAB.vip, protocol: PROTOCOL.icmp }, echo));
    lab.loop.advance(10);
    expect(replies).toStrictEqual([0]);
  });
});

test('explain says where a packet would go and leaves no trace', async () => {
  await lab.plane.apply(labTable());
  const ends = { source: LAB.client, destination: LAB.vip };
  const syn = buildIpv4(
    { ...ends, protocol: PROTOCOL.tcp, dontFragment: true },
    buildTcp({ ...ends, sourcePort: 40000, destinationPort: 80, flags: TCP_FLAGS.syn }),
  );
  const before = JSON.stringify(await lab.plane.counters());
  const { decision, real, sentences } = lab.plane.explain(syn);
  expect(decision.verdict).toBe('forward');
  expect(real).toBe(LAB.reals[0]);
  expect(sentences.length).toBeGreaterThan(1);
  expect(JSON.stringify(await lab.plane.counters())).toBe(before);
  expect(await flowsOf(lab.plane)).toStrictEqual([]);
});

test('without a topology the plane makes a network of what is applied, in real time', async () => {
  const plane = await openSimulatedPlane({ capacity: { slots: 1 << 14, flows: 1 << 10 } });
  try {
    await plane.apply(labTable());
    const { topology } = plane;
    expect(topology.reals.map(({ name }) => name)).toStrictEqual(['real1', 'real2', 'real3']);
    const target = { destination: LAB.vip, port: 80, timeoutMs: 2000 };
    expect(await requestHttp(topology.client, target)).toMatchObject({ ok: true });
    topology.reals[0]?.killHttp(80);
    await plane.apply(labTable());
    const dead = {
      via: 'tunnel',
      vip: LAB.vip,
      port: 80,
      real: topology.reals[0]?.address ?? ANYWHERE,
    } as const;
    const { signal } = new AbortController();
    await expect(plane.connector.connectTcp(dead, signal)).rejects.toThrow('connection refused');
  } finally {
    await plane.close();
  }
});
