// client 198.51.100.2 ── eth0 ┐
//                             ├ director ── eth2 ── 10.0.1.2 real, which takes nothing apart: what comes to it is captured
// other   203.0.113.2 ── eth1 ┘
// The VIPs are on the links of both clients, which ask for them by ARP and neighbour discovery. The fast path is on eth0
// and eth1; eth2 has none.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { queryXdp } from '../../../src/linux/bpf/query.ts';
import { inNamespace } from '../../../src/linux/namespaces/namespace-thread.ts';
import { runInNamespace } from '../../../src/linux/namespaces/netns.ts';
import type { PacketSocket } from '../../../src/linux/sockets/packet-socket.ts';
import type { RawSender } from '../../../src/linux/sockets/raw-socket.ts';
import { formatIp, type IpFamily, ip } from '../../../src/net/address/ip-address.ts';
import { formatMac } from '../../../src/net/headers/ethernet.ts';
import { openSinks } from '../xdp-plane/families-network.ts';
import { arrivals, arrivalsOf, isTunnelTo, tcpBetween } from '../xdp-plane/ip-packets.ts';
import { delay } from '../xdp-plane/packets.ts';
import { RemotePlane } from '../xdp-plane/remote-plane.ts';
import { able, SERVICE, TABLE } from '../xdp-plane/table.ts';
import { PASS_OBJECT } from '../xdp-plane/topology.ts';
import { WiredNetwork } from '../xdp-plane/wired-network.ts';

const VIP = { 4: ip('192.0.2.10'), 6: ip('2001:db8:10::10') };
const REAL = ip('10.0.1.2');
const CLIENTS = {
  client: { 4: ip('198.51.100.2'), 6: ip('2001:db8:c::2'), interface: 'eth0' },
  other: { 4: ip('203.0.113.2'), 6: ip('2001:db8:d::2'), interface: 'eth1' },
} as const;
type ClientName = keyof typeof CLIENTS;
const CASES = [
  { from: 'client', family: 4 },
  { from: 'other', family: 4 },
  { from: 'client', family: 6 },
  { from: 'other', family: 6 },
] as const;

describe.skipIf(!able)('several interfaces (needs root and build/bpf/director.bpf.o)', () => {
  const cleanUp = new AsyncDisposableStack();
  let network: WiredNetwork;
  let plane: RemotePlane;
  let atReal: PacketSocket;
  let senders: Record<ClientName, RawSender>;
  let nextPort = 40_000;

  beforeAll(async () => {
    network = cleanUp.use(new WiredNetwork());
    network.addHosts('client', 'other', 'real', 'director');
    await connect('client', '198.51.100.', '2001:db8:c::');
    await connect('other', '203.0.113.', '2001:db8:d::');
    await network.cable('director:eth2', 'real:eth0');
    await network.ip('director', 'address add 10.0.1.1/24 dev eth2');
    await network.ip('real', 'address add 10.0.1.2/24 dev eth0');
    for (const sink of openSinks(network, 'real')) cleanUp.use(sink);
    atReal = network.capture('real');
    senders = { client: network.sender('client'), other: network.sender('other') };
    plane = await open(['eth0', 'eth1']);
    cleanUp.defer(() => plane.remove());
    const reals = [{ address: REAL, weight: 1, serving: true }];
    const services = [VIP[4], VIP[6]].map((vip) => ({ ...SERVICE, vip, reals }));
    await plane.apply({ ...TABLE, services });
    await delay(100);
  });

  beforeEach(() => void arrivals(atReal));

  afterAll(() => cleanUp.disposeAsync());

  function open(interfaces: readonly string[], instance = `several-${network.id}`): Promise<RemotePlane> {
    return RemotePlane.open(network.namespace('director'), instance, { interfaces });
  }

  async function connect(name: ClientName, net4: string, net6: string): Promise<void> {
    const near = CLIENTS[name].interface;
    await network.cable(`director:${near}`, `${name}:eth0`);
    await network.ip(
      'director',
      `address add ${net4}1/24 dev ${near}`,
      `address add ${net6}1/64 dev ${near} nodad`,
    );
    await network.ip(name, `address add ${net4}2/24 dev eth0`, `address add ${net6}2/64 dev eth0 nodad`);
    await network.ip(name, 'route add 192.0.2.0/24 dev eth0', 'route add 2001:db8:10::/64 dev eth0');
  }

  function send(from: ClientName, family: IpFamily): number {
    const ends = { source: CLIENTS[from][family], destination: VIP[family] };
    const sourcePort = nextPort++;
    senders[from].send(tcpBetween(ends, { sourcePort }), VIP[family]);
    return sourcePort;
  }

  async function arrives(from: ClientName, family: IpFamily): Promise<void> {
    send(from, family);
    const [arrived] = await arrivalsOf(atReal, isTunnelTo(REAL));
    expect(arrived?.inner).toMatchObject({ source: CLIENTS[from][family], destination: VIP[family] });
  }

  function programOn(name: string): number | undefined {
    const { index } = network.link('director', name);
    return inNamespace(network.namespace('director'), () => queryXdp(index))?.programId;
  }

  test('the same program is on both, native', () => {
    expect(plane.description).toBe('xdp, native mode on eth0, native mode on eth1');
    expect(programOn('eth0')).toBe(programOn('eth1'));
    expect(programOn('eth2')).toBeUndefined();
  });

  test.each(CASES)(
    'IPv$family from $from: redirected to the interface of the real',
    async ({ from, family }) => {
      await arrives(from, family);
      const before = await plane.counters();
      await arrives(from, family);
      expect((await plane.counters()).handedOver).toBe(before.handedOver);
    },
  );

  test.each(CASES)(
    'IPv$family from $from: the VIP is at the interface that was asked',
    async ({ from, family }) => {
      const entry = await runInNamespace(network.namespace(from), [
        'ip',
        'neighbour',
        'show',
        formatIp(VIP[family]),
      ]);
      expect(entry).toContain(`lladdr ${formatMac(network.link('director', CLIENTS[from].interface).mac)}`);
    },
  );

  test('where XDP cannot send the slow path does, until it can', async () => {
    // The other end of a veth device takes what is redirected only with an XDP program.
    await network.ip('real', 'link set eth0 xdp off');
    const warnings = (): unknown[] => plane.events.filter((event) => event.type === 'warning');
    await expect
      .poll(warnings)
      .toMatchObject([{ message: expect.stringMatching(/^XDP cannot send through eth2/) as string }]);
    const before = await plane.counters();
    await arrives('client', 4);
    expect((await plane.counters()).handedOver).toBe(before.handedOver + 1);
    await network.ip('real', `link set dev eth0 xdp obj ${PASS_OBJECT} sec xdp`);
    await expect
      .poll(async () => {
        const { handedOver } = await plane.counters();
        await arrives('client', 4);
        return (await plane.counters()).handedOver - handedOver;
      })
      .toBe(0);
    plane.events.length = 0;
  });

  test('a second director on either is refused', async () => {
    await expect(open(['eth2', 'eth1'], 'second')).rejects.toMatchObject({
      code: 'ALREADY_RUNNING',
      message: expect.stringMatching(/^eth1: another director/) as string,
    });
    expect(programOn('eth2')).toBeUndefined();
  });

  /** Sends steadily from `client`, by eth0, while `work` runs; all of it has to arrive. */
  async function withoutLoss(work: () => Promise<void>): Promise<void> {
    const stop = new AbortController();
    let sent = 0;
    const traffic = (async () => {
      for (; !stop.signal.aborted; await delay(2)) {
        send('client', 4);
        sent++;
      }
    })();
    try {
      await work();
    } finally {
      stop.abort();
      await traffic;
    }
    const isClients = isTunnelTo(REAL);
    const got = await arrivalsOf(
      atReal,
      (arrival) => isClients(arrival) && arrival.inner?.source === CLIENTS.client[4],
      { count: sent },
    );
    expect(got).toHaveLength(sent);
  }

  test('interfaces are taken away and added again in use, and by a start, without loss on the others', async () => {
    const program = programOn('eth0');
    await withoutLoss(async () => {
      await plane.useInterfaces(['eth0']);
      expect(programOn('eth1')).toBeUndefined();
      await plane.useInterfaces(['eth0', 'eth1']);
      expect(programOn('eth1')).toBe(program);
      await plane.close();
      plane = await open(['eth0']);
      // Not before its first table: until then what the former run had goes on.
      expect(programOn('eth1')).toBe(program);
      await plane.apply({ ...TABLE, services: await plane.services() });
      expect(programOn('eth1')).toBeUndefined();
      await plane.close();
      plane = await open(['eth1', 'eth0']);
    });
    await plane.apply({ ...TABLE, services: await plane.services() });
    expect(programOn('eth0')).toBe(program);
    await arrives('other', 4);
  });

  test('what cannot be taken on is refused, and nothing changes', async () => {
    await expect(plane.useInterfaces(['eth0', 'eth9'])).rejects.toMatchObject({
      code: 'INTERFACE',
      message: 'eth9: there is no such interface',
    });
    expect(plane.description).toContain('eth1');
    expect(programOn('eth1')).toBeDefined();
  });

  test('an interface that is deleted and made anew is taken on again; the others go on', async () => {
    await withoutLoss(async () => {
      await network.ip('director', 'link delete eth1');
      await connect('other', '203.0.113.', '2001:db8:d::');
      await expect.poll(() => programOn('eth1')).toBeDefined();
    });
    await arrives('other', 4);
    await arrives('other', 6);
    const said = plane.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    expect(said).toEqual([
      expect.stringMatching(/^eth1 is gone/),
      expect.stringMatching(/^eth1 is back, and forwarding continues there/),
    ]);
  });

  test('another MAC address and another MTU of one of them are followed', async () => {
    await network.ip('director', 'link set eth1 address 02:00:00:00:66:01', 'link set eth1 mtu 1400');
    await network.ip('other', 'neighbour flush dev eth0');
    await arrives('other', 4);
    const entry = await runInNamespace(network.namespace('other'), ['ip', 'neighbour', 'show', '192.0.2.10']);
    expect(entry).toContain('lladdr 02:00:00:00:66:01');
    await arrives('client', 4);
  });
});
