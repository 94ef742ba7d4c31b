// client 198.51.100.2 ── router ══ director: VLAN 100 (10.0.100.0/24, the VIPs are on it) and 200 (10.0.200.0/24) on one cable
//   real 10.0.1.2 ──────────┘      The way to the real is by VLAN 200. Both families; the fast path is on eth0, the parent.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Service } from '../../../src/forwarding/forwarding-table.ts';
import { setOffloads } from '../../../src/linux/devices/offload.ts';
import { runInNamespace } from '../../../src/linux/namespaces/netns.ts';
import type { PacketSocket } from '../../../src/linux/sockets/packet-socket.ts';
import type { RawSender } from '../../../src/linux/sockets/raw-socket.ts';
import { formatIp, type IpFamily, ip } from '../../../src/net/address/ip-address.ts';
import { formatMac } from '../../../src/net/headers/ethernet.ts';
import { parseIcmp } from '../../../src/net/headers/icmp.ts';
import { parseTcp, TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import { openSinks } from '../xdp-plane/families-network.ts';
import {
  type Arrival,
  arrivals,
  arrivalsOf,
  isIcmpOf,
  isTunnelTo,
  tcpBetween,
} from '../xdp-plane/ip-packets.ts';
import { delay } from '../xdp-plane/packets.ts';
import { RemotePlane } from '../xdp-plane/remote-plane.ts';
import { able, SERVICE, TABLE } from '../xdp-plane/table.ts';
import { WiredNetwork } from '../xdp-plane/wired-network.ts';

const missing = whyNot();
const FAMILIES = [4, 6] as const;
const CLIENT = { 4: ip('198.51.100.2'), 6: ip('2001:db8:c::2') };
const VIP = { 4: ip('192.0.2.10'), 6: ip('2001:db8:10::10') };
const REAL = { 4: ip('10.0.1.2'), 6: ip('2001:db8:1::2') };
const OWN = { 4: ip('10.0.200.2'), 6: ip('2001:db8:200::2') };
const SERVICES: readonly Service[] = FAMILIES.map((family) => ({
  ...SERVICE,
  vip: VIP[family],
  reals: [{ address: REAL[family], weight: 1, serving: true }],
}));

function whyNot(): string | undefined {
  if (!able) return 'needs root and build/bpf/director.bpf.o';
  const has = spawnSync('modprobe', ['--dry-run', '--quiet', '8021q']).status === 0;
  return has || existsSync('/proc/net/vlan')
    ? undefined
    : 'this kernel has no 8021q; the guests of make test-vm do';
}

async function build(network: WiredNetwork): Promise<void> {
  network.addHosts('router', 'client', 'director', 'real');
  network.sysctl('router', 'net/ipv4/ip_forward', '1');
  network.sysctl('router', 'net/ipv6/conf/all/forwarding', '1');
  await network.cable('director:eth0', 'router:trunk');
  for (const [host, net4, net6] of [
    ['client', '198.51.100.', '2001:db8:c::'],
    ['real', '10.0.1.', '2001:db8:1::'],
  ] as const) {
    await network.cable(`${host}:eth0`, `router:${host}`);
    await network.ip(
      'router',
      `address add ${net4}1/24 dev ${host}`,
      `address add ${net6}1/64 dev ${host} nodad`,
    );
    await network.ip(host, `address add ${net4}2/24 dev eth0`, `address add ${net6}2/64 dev eth0 nodad`);
    await network.ip(host, `route add default via ${net4}1`, `route add default via ${net6}1`);
  }
  for (const id of [100, 200]) {
    await tag(network, 'router', 'trunk', { id, host: 1 });
    await tag(network, 'director', 'eth0', { id, host: 2 });
  }
  await network.ip('director', 'route add default via 10.0.100.1', 'route add default via 2001:db8:100::1');
  await network.ip('director', 'route add 10.0.1.0/24 via 10.0.200.1');
  await network.ip('director', 'route add 2001:db8:1::/64 via 2001:db8:200::1');
  await network.ip(
    'router',
    'route add 192.0.2.0/24 dev trunk.100',
    'route add 2001:db8:10::/64 dev trunk.100',
  );
}

async function tag(
  network: WiredNetwork,
  host: string,
  parent: string,
  vlan: { readonly id: number; readonly host: number },
): Promise<void> {
  const name = `${parent}.${vlan.id}`;
  await network.ip(
    host,
    `link add link ${parent} name ${name} type vlan id ${vlan.id}`,
    `link set ${name} up`,
    `address add 10.0.${vlan.id}.${vlan.host}/24 dev ${name}`,
    `address add 2001:db8:${vlan.id}::${vlan.host}/64 dev ${name} nodad`,
  );
}

describe.skipIf(missing !== undefined)(`802.1Q tags in the xdp plane (${missing ?? 'able'})`, () => {
  const cleanUp = new AsyncDisposableStack();
  let network: WiredNetwork;
  let plane: RemotePlane;
  let client: RawSender;
  let atClient: PacketSocket;
  let atReal: PacketSocket;
  let onVlan200: PacketSocket;
  let nextPort = 40_000;

  beforeAll(async () => {
    network = cleanUp.use(new WiredNetwork());
    await build(network);
    for (const sink of openSinks(network, 'real')) cleanUp.use(sink);
    client = network.sender('client');
    atClient = network.capture('client');
    atReal = network.capture('real');
    onVlan200 = network.capture('router', 'trunk.200');
    await setOffloads('eth0', { rxvlan: true }, network.namespace('director'));
    plane = await RemotePlane.open(network.namespace('director'), `vlan-${network.id}`);
    cleanUp.defer(() => plane.remove());
    await plane.apply({ ...TABLE, services: SERVICES });
    await delay(100);
  });

  beforeEach(() => {
    for (const socket of [atClient, atReal, onVlan200]) arrivals(socket);
  });

  afterAll(() => cleanUp.disposeAsync());

  function send(family: IpFamily, segment: Partial<Parameters<typeof tcpBetween>[1]> = {}): void {
    const ends = { source: CLIENT[family], destination: VIP[family] };
    client.send(tcpBetween(ends, { sourcePort: nextPort++, ...segment }), VIP[family]);
  }

  test.each(FAMILIES)(
    'IPv%i comes in with one tag and leaves with another, by the fast path',
    async (family) => {
      send(family);
      await arrivalsOf(atReal, isTunnelTo(REAL[family]));
      const before = await plane.counters();
      arrivals(onVlan200);
      send(family);
      const [arrived] = (await arrivalsOf(atReal, isTunnelTo(REAL[family]))) as [Arrival];
      expect(arrived.header).toMatchObject({ source: OWN[family], ttl: 61 });
      expect((await plane.counters()).handedOver).toBe(before.handedOver);
      const [onWay] = (await arrivalsOf(onVlan200, isTunnelTo(REAL[family]))) as [Arrival];
      expect(formatMac(onWay.ethernet.source)).toBe(formatMac(network.link('director', 'eth0.200').mac));
    },
  );

  test.each(FAMILIES)('the VIP of IPv%i is found on VLAN 100', async (family) => {
    const show = ['ip', 'neighbour', 'show', formatIp(VIP[family])];
    const entry = await runInNamespace(network.namespace('router'), show);
    expect(entry).toContain(`dev trunk.100 lladdr ${formatMac(network.link('director').mac)}`);
  });

  test.each(FAMILIES)('too big for IPv%i is answered; what fits is not', async (family) => {
    const type = family === 4 ? 3 : 2;
    send(family, { flags: TCP_FLAGS.ack, data: family === 4 ? 1460 : 1440 });
    const [error] = (await arrivalsOf(atClient, isIcmpOf(type))) as [Arrival];
    const told = family === 4 ? 1480 : 1460;
    expect(parseIcmp(error.packet, error.header.headerBytes)).toMatchObject({ rest: told });
    send(family, { flags: TCP_FLAGS.ack, data: told - (family === 4 ? 40 : 60) });
    const [arrived] = (await arrivalsOf(atReal, isTunnelTo(REAL[family]))) as [Arrival];
    expect(arrived.header.totalLength).toBe(1500);
  });

  test.each(FAMILIES)('a check of IPv%i goes through the tunnel and is answered', async (family) => {
    const check = plane.check({ via: 'tunnel', vip: VIP[family], port: 80, real: REAL[family] });
    const [arrived] = (await arrivalsOf(
      atReal,
      ({ inner, header }) => inner?.source === OWN[family] && header.destination === REAL[family],
    )) as [Arrival];
    const syn = parseTcp(arrived.packet, arrived.header.headerBytes + (arrived.inner?.headerBytes ?? 0));
    if (typeof syn === 'string') throw new Error(syn);
    const refusal = tcpBetween(
      { source: VIP[family], destination: OWN[family] },
      {
        sourcePort: 80,
        destinationPort: syn.sourcePort,
        flags: TCP_FLAGS.rst | TCP_FLAGS.ack,
        acknowledgment: (syn.sequence + 1) >>> 0,
      },
    );
    network.sender('real').send(refusal, OWN[family]);
    await expect(check).rejects.toThrow('connection refused');
  });

  test('the way to the real moves to the other VLAN', async () => {
    const on100 = network.capture('router', 'trunk.100');
    await network.ip('director', 'route replace 10.0.1.0/24 via 10.0.100.1');
    await expect
      .poll(async () => {
        send(4);
        return (await arrivalsOf(atReal, isTunnelTo(REAL[4]))).length > 0 && arrivals(on100).length > 0;
      })
      .toBe(true);
    await network.ip('director', 'route replace 10.0.1.0/24 via 10.0.200.1');
  });

  test('tags stay in frames while the fast path is there, and then are treated as before', async () => {
    expect(await featuresOf(network.namespace('director'))).toContain('rx-vlan-offload: off');
    await plane.remove();
    expect(await featuresOf(network.namespace('director'))).toContain('rx-vlan-offload: on');
  });

  test('a VLAN device as interface: generic mode, with a warning that names the parent', async () => {
    plane = await RemotePlane.open(network.namespace('director'), `vlan-${network.id}`, {
      interfaces: ['eth0.100'],
    });
    await plane.apply({ ...TABLE, services: SERVICES });
    expect(plane.description).toBe('xdp, generic mode on eth0.100');
    expect(plane.events).toContainEqual({
      type: 'warning',
      message: expect.stringMatching(
        /^eth0\.100 does not support XDP in native mode.*name its parent, eth0/,
      ) as string,
    });
    await network.ip('router', 'neighbour flush dev trunk.100');
    for (const family of FAMILIES) {
      send(family);
      const [arrived] = (await arrivalsOf(atReal, isTunnelTo(REAL[family]))) as [Arrival];
      expect(arrived.header.source).toBe(OWN[family]);
    }
  });
});

function featuresOf(namespace: string): Promise<string> {
  return runInNamespace(namespace, ['ethtool', '-k', 'eth0']);
}
