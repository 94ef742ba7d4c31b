// client ── router ── director (XDP on eth0), both families everywhere; the VIPs' networks are on the director's link
//             └────── real, which takes nothing apart: what comes to it is captured
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Service } from '../../../src/forwarding/forwarding-table.ts';
import { runInNamespace } from '../../../src/linux/namespaces/netns.ts';
import type { PacketSocket } from '../../../src/linux/sockets/packet-socket.ts';
import type { RawSender } from '../../../src/linux/sockets/raw-socket.ts';
import { formatIp, type IpFamily, ip } from '../../../src/net/address/ip-address.ts';
import { formatMac } from '../../../src/net/headers/ethernet.ts';
import { parseIcmp } from '../../../src/net/headers/icmp.ts';
import { ICMPV6_TYPE } from '../../../src/net/headers/icmpv6.ts';
import { parseTcp, TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import { echo, echoReplyTo } from '../xdp-plane/echo.ts';
import {
  buildFamiliesNetwork,
  CLIENT,
  DIRECTOR,
  openSinks,
  REAL,
  VIP,
} from '../xdp-plane/families-network.ts';
import {
  type Arrival,
  arrivals,
  arrivalsOf,
  icmpEchoType,
  isIcmpOf,
  isTunnelTo,
  tcpBetween,
} from '../xdp-plane/ip-packets.ts';
import { delay } from '../xdp-plane/packets.ts';
import { RemotePlane } from '../xdp-plane/remote-plane.ts';
import { able, SERVICE, TABLE } from '../xdp-plane/table.ts';
import type { WiredNetwork } from '../xdp-plane/wired-network.ts';

const MIXES = [
  { vip: 4, real: 4, port: 80 },
  { vip: 4, real: 6, port: 81 },
  { vip: 6, real: 4, port: 80 },
  { vip: 6, real: 6, port: 81 },
] as const;
const SERVICES: readonly Service[] = MIXES.map(({ vip, real, port }) => ({
  ...SERVICE,
  vip: VIP[vip],
  port,
  reals: [{ address: REAL[real], weight: 1, serving: true }],
}));

/** Where the host has the VIPs as well: it must not matter. */
const OWNERS = [undefined, 'lo', 'eth0'] as const;
const needs = 'needs root and build/bpf/director.bpf.o';

describe.skipIf(!able).each(OWNERS)(`both families in the xdp plane, VIPs on %s (${needs})`, (owner) => {
  const cleanUp = new AsyncDisposableStack();
  let network: WiredNetwork;
  let plane: RemotePlane;
  let client: RawSender;
  let atClient: PacketSocket;
  let atReal: PacketSocket;
  let nextPort = 40_000;

  beforeAll(async () => {
    network = cleanUp.use(await buildFamiliesNetwork());
    for (const sink of openSinks(network, 'real')) cleanUp.use(sink);
    client = network.sender('client');
    atClient = network.capture('client');
    atReal = network.capture('real');
    plane = await RemotePlane.open(network.namespace('director'), `families-${network.id}`);
    cleanUp.defer(() => plane.remove());
    await plane.apply({ ...TABLE, services: SERVICES });
    if (owner !== undefined) await ownVips('add', owner);
  });

  beforeEach(() => {
    arrivals(atClient);
    arrivals(atReal);
  });

  afterAll(() => cleanUp.disposeAsync());

  function send(vip: IpFamily, port: number, segment: Partial<Parameters<typeof tcpBetween>[1]> = {}): void {
    const ends = { source: CLIENT[vip], destination: VIP[vip] };
    client.send(tcpBetween(ends, { sourcePort: nextPort++, destinationPort: port, ...segment }), VIP[vip]);
  }

  async function ownVips(verb: 'add' | 'del', device: string): Promise<void> {
    const { 4: vip4, 6: vip6 } = VIP;
    await network.ip(
      'director',
      `address ${verb} ${formatIp(vip4)}/32 dev ${device}`,
      `address ${verb} ${formatIp(vip6)}/128 dev ${device}${verb === 'add' ? ' nodad' : ''}`,
    );
  }

  async function fastPathForwards({ vip, real, port }: (typeof MIXES)[number]): Promise<Arrival> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const before = (await plane.counters()).handedOver;
      send(vip, port);
      const [arrived] = await arrivalsOf(atReal, isTunnelTo(REAL[real]));
      if ((await plane.counters()).handedOver === before) return arrived as Arrival;
      await delay(20);
    }
    throw new Error('the fast path never learned the next hop');
  }

  test.each(MIXES)('IPv$vip VIP, IPv$real real: by the fast path', async (mix) => {
    const { header, inner } = await fastPathForwards(mix);
    expect(header).toMatchObject({ source: DIRECTOR[mix.real], destination: REAL[mix.real], ttl: 61 });
    expect(inner).toMatchObject({ source: CLIENT[mix.vip], destination: VIP[mix.vip], ttl: 62 });
  });

  test.each(MIXES)('IPv$vip VIP, IPv$real real: too big is told, with the MTU that is left', async (mix) => {
    const told = mix.real === 4 ? 1480 : 1460;
    send(mix.vip, mix.port, { flags: TCP_FLAGS.ack, data: mix.vip === 4 ? 1460 : 1440 });
    const type = mix.vip === 4 ? 3 : ICMPV6_TYPE.packetTooBig;
    const [error] = await arrivalsOf(atClient, isIcmpOf(type));
    expect(error?.header.source).toBe(VIP[mix.vip]);
    const icmp = parseIcmp(error?.packet as Uint8Array, error?.header.headerBytes ?? 0);
    expect(icmp).toMatchObject({ rest: told });
  });

  test.each([4, 6] as const)('an IPv%i VIP answers echo requests', async (family) => {
    const ends = { source: CLIENT[family], destination: VIP[family] };
    const data = Uint8Array.from({ length: 56 }, (_, index) => index);
    client.send(echo(ends, 'request', { rest: 0x12340001, payload: data }), VIP[family]);
    const [reply] = (await arrivalsOf(atClient, isIcmpOf(icmpEchoType(VIP[family], 'reply')))) as [Arrival];
    expect(reply.header).toMatchObject({ source: VIP[family], destination: CLIENT[family] });
    const message = reply.packet.subarray(reply.header.headerBytes, reply.header.totalLength);
    expect(parseIcmp(message, 0)).toMatchObject({ rest: 0x12340001 });
    expect(message.subarray(8)).toEqual(data);
  });

  test('the router has found each VIP by ARP and by neighbour discovery, at the director', async () => {
    const mac = formatMac(network.link('director').mac);
    const router = network.namespace('router');
    for (const family of [4, 6] as const) {
      const entry = await runInNamespace(router, ['ip', 'neighbour', 'show', formatIp(VIP[family])]);
      expect(entry).toContain(`dev director lladdr ${mac}`);
    }
  });

  test('a switch that looks at multicast is told where solicitations for an IPv6 VIP belong', async () => {
    const director = network.namespace('director');
    const groups = await runInNamespace(director, ['ip', '-6', 'maddress', 'show', 'dev', 'eth0']);
    expect(groups).toMatch(/inet6 ff02::1:ff00:10( users \d+)?\n/);
  });

  test.each(MIXES)(
    'IPv$vip VIP, IPv$real real: a check goes through the tunnel',
    async ({ vip, real, port }) => {
      const target = { via: 'tunnel', vip: VIP[vip], port, real: REAL[real] } as const;
      const isSyn = ({ header, inner, packet }: Arrival): boolean =>
        inner?.source === DIRECTOR[vip] &&
        header.destination === REAL[real] &&
        packet[header.headerBytes + inner.headerBytes + 13] === TCP_FLAGS.syn;
      const over = new AbortController();
      const check = plane.check(target).finally(() => over.abort());
      // A SYN is sent again where its answer is lost, and is answered again.
      while (!over.signal.aborted) {
        await delay(5);
        const arrived = arrivals(atReal).find(isSyn);
        if (arrived === undefined) continue;
        const syn = parseTcp(arrived.packet, arrived.header.headerBytes + (arrived.inner?.headerBytes ?? 0));
        if (typeof syn === 'string') throw new Error(syn);
        const answer = tcpBetween(
          { source: VIP[vip], destination: DIRECTOR[vip] },
          {
            sourcePort: port,
            destinationPort: syn.sourcePort,
            flags: TCP_FLAGS.syn | TCP_FLAGS.ack,
            sequence: 1000,
            acknowledgment: (syn.sequence + 1) >>> 0,
          },
        );
        network.sender('real').send(answer, DIRECTOR[vip]);
      }
      await check;
    },
  );

  test('nothing of the host itself comes out of the TAP device', async () => {
    const tap = network.capture('director', (await tapName()) ?? '');
    const own = network.link('director', (await tapName()) ?? '').index;
    await network.ip('director', 'link set lo down', 'link set lo up');
    await delay(1500);
    const said = await runInNamespace(network.namespace('director'), ['ip', '-6', 'address', 'show']);
    expect(said).not.toMatch(new RegExp(`^${own}: `, 'm'));
    expect(arrivals(tap)).toEqual([]);
  });

  async function tapName(): Promise<string | undefined> {
    const links = await runInNamespace(network.namespace('director'), ['ip', '-o', 'link', 'show']);
    return /: (cv-[^:]+):/.exec(links)?.[1];
  }

  test("the host's own stack answers no client", async () => {
    for (const mix of MIXES) {
      arrivals(atClient);
      await fastPathForwards(mix);
      send(mix.vip, 9);
      const isReset = ({ header, packet }: Arrival): boolean =>
        header.source === VIP[mix.vip] && packet[header.headerBytes + 13] !== undefined;
      // One of culvert's for the port that has no service, and none for the one that has.
      await arrivalsOf(atClient, isReset);
      await delay(50);
      expect(arrivals(atClient)).toEqual([]);
    }
  });

  test.each([4, 6] as const)(
    'a VIP that is the only IPv%i address of the machine is refused',
    async (family) => {
      const vip = DIRECTOR[family];
      const reals = [{ address: REAL[family], weight: 1, serving: true }];
      const services = [...SERVICES, { ...(SERVICES[0] as Service), vip, reals }];
      const message = expect.stringContaining(`the only IPv${family} address of this machine`) as string;
      await expect(plane.apply({ ...TABLE, services })).rejects.toMatchObject({ code: 'INTERFACE', message });
      expect(await plane.services()).toHaveLength(SERVICES.length);
    },
  );

  test('an IPv6 real whose path is too narrow for IPv6 is refused, and nothing changes', async () => {
    await network.ip('director', 'route add 2001:db8:9::/64 via 2001:db8::1 mtu 1200');
    const reals = [{ address: ip('2001:db8:9::2'), weight: 1, serving: true }];
    const services = [...SERVICES, { ...(SERVICES[0] as Service), port: 99, reals }];
    await expect(plane.apply({ ...TABLE, services })).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(
        /real 2001:db8:9::2: the path via 2001:db8::1 on eth0 has an MTU of 1200/,
      ),
    });
    expect(await plane.services()).toHaveLength(SERVICES.length);
  });

  test.each([4, 6] as const)('direct checks and pings of IPv%i', async (family) => {
    const address = REAL[family];
    await expect(plane.check({ via: 'direct', address, port: 9 })).rejects.toThrow('connection refused');
    await plane.ping({ via: 'direct', address, port: 0 });
    const target = { via: 'tunnel', vip: VIP[family], port: 80, real: REAL[4] } as const;
    const ping = plane.ping(target);
    const isEcho = ({ inner, header, packet }: Arrival): boolean =>
      inner?.source === DIRECTOR[family] &&
      packet[header.headerBytes + inner.headerBytes] === icmpEchoType(address, 'request');
    const [request] = (await arrivalsOf(atReal, isEcho)) as [Arrival];
    network.sender('real').send(echoReplyTo(request), DIRECTOR[family]);
    await ping;
  });

  test('the VIPs change hands while it runs, and nothing else changes', async () => {
    for (const device of ['lo', 'eth0'].filter((name) => name !== owner)) {
      await ownVips('add', device);
      for (const mix of MIXES) await fastPathForwards(mix);
      await ownVips('del', device);
      for (const mix of MIXES) await fastPathForwards(mix);
    }
    expect(plane.events.filter(({ type }) => type !== 'next-hop')).toEqual([]);
  });
});
