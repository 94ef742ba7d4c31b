// client ── router ── director (XDP on eth0), both families everywhere; the VIPs' networks are on the director's link
//             └────── real, which takes nothing apart; its link gets narrow, its router another MAC address, or goes away
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Service } from '../../../src/forwarding/forwarding-table.ts';
import type { PacketSocket } from '../../../src/linux/sockets/packet-socket.ts';
import type { RawSender } from '../../../src/linux/sockets/raw-socket.ts';
import { formatIp, type IpFamily, ip, isIpv6 } from '../../../src/net/address/ip-address.ts';
import { formatMac } from '../../../src/net/headers/ethernet.ts';
import { buildIcmp, ICMP_CODE, parseIcmp } from '../../../src/net/headers/icmp.ts';
import { buildIcmpv6, ICMPV6_TYPE } from '../../../src/net/headers/icmpv6.ts';
import { PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import { echoReplyTo, isTunnelledEcho } from '../xdp-plane/echo.ts';
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
  ipBetween,
  isIcmpOf,
  isTunnelTo,
  tcpBetween,
} from '../xdp-plane/ip-packets.ts';
import { delay } from '../xdp-plane/packets.ts';
import { RemotePlane } from '../xdp-plane/remote-plane.ts';
import { able, SERVICE, TABLE } from '../xdp-plane/table.ts';
import type { WiredNetwork } from '../xdp-plane/wired-network.ts';

const FAMILIES = [4, 6] as const;
const ROUTER = { 4: ip('10.0.0.1'), 6: ip('2001:db8::1') };
/** The real is reached over its own family, by a service of that family. */
const SERVICES: readonly Service[] = FAMILIES.map((family) => ({
  ...SERVICE,
  // Remembers its flows, so that full reports about them are believed.
  scheduler: 'rr',
  vip: VIP[family],
  reals: [{ address: REAL[family], weight: 1, serving: true }],
}));
const TUNNEL_BYTES = { 4: 20, 6: 40 };
const TOO_BIG_CODE = { 4: ICMP_CODE.fragmentationNeeded, 6: 0 };

describe.skipIf(!able)('the paths to reals (needs root and build/bpf/director.bpf.o)', () => {
  const cleanUp = new AsyncDisposableStack();
  let network: WiredNetwork;
  let plane: RemotePlane;
  let client: RawSender;
  let atClient: PacketSocket;
  let atReal: PacketSocket;
  let atRouter: PacketSocket;
  let nextPort = 40_000;

  beforeAll(async () => {
    network = cleanUp.use(await buildFamiliesNetwork());
    for (const sink of openSinks(network, 'real')) cleanUp.use(sink);
    client = network.sender('client');
    atClient = network.capture('client');
    atReal = network.capture('real');
    atRouter = network.capture('router', 'director');
    plane = await RemotePlane.open(network.namespace('director'), `paths-${network.id}`);
    cleanUp.defer(() => plane.remove());
    await plane.apply({ ...TABLE, services: SERVICES });
    for (const family of FAMILIES) {
      send(family);
      await arrivalsOf(atReal, isTunnelTo(REAL[family]));
    }
  });

  beforeEach(() => {
    for (const socket of [atClient, atReal, atRouter]) arrivals(socket);
  });

  afterAll(() => cleanUp.disposeAsync());

  function send(family: IpFamily, segment: Partial<Parameters<typeof tcpBetween>[1]> = {}): void {
    const ends = { source: CLIENT[family], destination: VIP[family] };
    client.send(tcpBetween(ends, { sourcePort: nextPort++, ...segment }), VIP[family]);
  }

  /** Sends a full-size packet of the client's; the MTU that it is told, undefined if it gets through. */
  async function toldMtu(family: IpFamily, data: number): Promise<number | undefined> {
    const sourcePort = nextPort++;
    send(family, { sourcePort });
    await arrivalsOf(atReal, isTunnelTo(REAL[family]));
    for (const socket of [atClient, atReal]) arrivals(socket);
    send(family, { sourcePort, flags: TCP_FLAGS.ack, data });
    const isTold = isIcmpOf(family === 4 ? 3 : ICMPV6_TYPE.packetTooBig);
    for (const end = Date.now() + 3000; Date.now() < end; await delay(5)) {
      for (const { packet, header } of arrivals(atClient).filter(isTold)) {
        const icmp = parseIcmp(packet, header.headerBytes);
        // The router may tell late that it did not reach the director for a while.
        if (typeof icmp !== 'string' && icmp.code === TOO_BIG_CODE[family]) return icmp.rest;
      }
      if (arrivals(atReal).some(isTunnelTo(REAL[family]))) return undefined;
    }
    throw new Error('neither an error nor the packet came');
  }

  test.each(FAMILIES)(
    'a narrow link on the way to an IPv%i real is learned, and the client told at once',
    async (family) => {
      await network.ip('router', 'link set real mtu 1400');
      const told = 1400 - TUNNEL_BYTES[family];
      const headers = family === 4 ? 40 : 60;
      expect(await toldMtu(family, 1400 - headers)).toBe(told);
      expect(await toldMtu(family, 1400 - headers)).toBe(told);
      expect(await toldMtu(family, told - headers)).toBeUndefined();
      await network.ip('router', 'link set real mtu 1500');
    },
  );

  /** An error as short as RFC 792 allows; of IPv6, which asks for more, as a broken router would send it. */
  function reportShortly(family: IpFamily, mtu: number): void {
    const [source, destination, real] = [ROUTER[family], DIRECTOR[family], REAL[family]];
    const inner = tcpBetween(
      { source: CLIENT[family], destination: VIP[family] },
      { sourcePort: 1, data: 1380 },
    );
    const outer = ipBetween(
      { source: destination, destination: real },
      family === 4 ? PROTOCOL.ipip : PROTOCOL.ipv6,
      inner,
    );
    const quote = outer.subarray(0, family === 4 ? 28 : 48);
    const message =
      isIpv6(source) && isIpv6(destination)
        ? buildIcmpv6({ source, destination, type: 2, code: 0, rest: mtu, payload: quote })
        : buildIcmp({ type: 3, code: 4, rest: mtu, payload: quote });
    const protocol = family === 4 ? PROTOCOL.icmp : PROTOCOL.icmpv6;
    network.sender('router').send(ipBetween({ source, destination }, protocol, message), destination);
  }

  /** The real answers the probes that reach it for so long. */
  async function answerProbes(family: IpFamily, forMs: number): Promise<number[]> {
    const real = network.sender('real');
    const sizes: number[] = [];
    for (const end = Date.now() + forMs; Date.now() < end; await delay(5)) {
      for (const request of arrivals(atReal).filter(isTunnelledEcho)) {
        sizes.push(request.header.totalLength);
        real.send(echoReplyTo(request), DIRECTOR[family]);
      }
    }
    return sizes;
  }

  test.each(FAMILIES)('a short report about an IPv%i real is believed after probes', async (family) => {
    // What the former test learned holds for ten minutes, and this is less.
    await network.ip('router', 'link set real mtu 1350');
    reportShortly(family, 1350);
    const sizes = await answerProbes(family, 4500);
    expect(new Set(sizes)).toEqual(new Set([1350]));
    const headers = family === 4 ? 40 : 60;
    expect(await toldMtu(family, 1350 - headers)).toBe(1350 - TUNNEL_BYTES[family]);
    await network.ip('router', 'link set real mtu 1500');
  });

  test.each(FAMILIES)('a false short report about an IPv%i real changes nothing', async (family) => {
    reportShortly(family, 1300);
    const sizes = await answerProbes(family, 2000);
    expect(sizes).toContain(1301);
    const headers = family === 4 ? 40 : 60;
    expect(await toldMtu(family, 1350 - TUNNEL_BYTES[family] - headers)).toBeUndefined();
  });

  test.each(FAMILIES)('a policy rule that leads IPv%i packets another way is followed', async (family) => {
    const [which, net, router] =
      family === 4 ? ['-4', '10.0.1.0/24', ROUTER[4]] : ['-6', '2001:db8:1::/64', ROUTER[6]];
    const headers = family === 4 ? 40 : 60;
    await network.ip('director', `${which} route add ${net} via ${formatIp(router)} table 77 mtu 1330`);
    await network.ip('director', `${which} rule add to ${net} lookup 77`);
    await delay(50);
    expect(await toldMtu(family, 1312 - headers)).toBe(1330 - TUNNEL_BYTES[family]);
    await network.ip('director', `${which} rule delete to ${net} lookup 77`);
    await delay(50);
    expect(await toldMtu(family, 1310 - headers)).toBeUndefined();
  });

  /** Sends steadily to both VIPs while `work` runs; how many were sent, and how many arrived by then. */
  async function underTraffic(work: () => Promise<void>): Promise<{ sent: number; arrived: number }> {
    const stop = new AbortController();
    let [sent, arrived] = [0, 0];
    const collect = (): void => {
      arrived += arrivals(atReal).filter(({ inner }) => inner !== undefined).length;
    };
    const traffic = (async () => {
      for (; !stop.signal.aborted; await delay(2)) {
        for (const family of FAMILIES) send(family);
        sent += FAMILIES.length;
        collect();
      }
    })();
    await delay(50);
    try {
      await work();
    } finally {
      stop.abort();
      await traffic;
    }
    await delay(100);
    collect();
    return { sent, arrived };
  }

  async function followsMac(family: IpFamily, mac: string): Promise<void> {
    const isTunnelPacket = isTunnelTo(REAL[family]);
    await expect
      .poll(async () => {
        arrivals(atRouter);
        const [seen] = (await arrivalsOf(atRouter, isTunnelPacket)) as [Arrival];
        return formatMac(seen.ethernet.destination);
      })
      .toBe(mac);
  }

  // One that does not announce it is found out when the kernel's neighbour entry is due for confirmation, in 15 to 45 s.
  test('a gateway that announces another MAC address is followed under traffic, in both families', async () => {
    network.sysctl('router', 'net/ipv4/conf/director/arp_notify', '1');
    network.sysctl('router', 'net/ipv6/conf/director/ndisc_notify', '1');
    const mac = '02:00:00:00:77:01';
    const { sent, arrived } = await underTraffic(async () => {
      await network.ip('router', `link set director address ${mac}`);
      for (const family of FAMILIES) await followsMac(family, mac);
    });
    // Frames to the former address are lost until the announcement has come.
    expect(arrived).toBeGreaterThan(sent / 2);
    const after = await underTraffic(() => delay(300));
    expect(after.arrived).toBe(after.sent);
  });

  test('a gateway that goes away and comes back with another MAC address', async () => {
    const mac = '02:00:00:00:77:02';
    await underTraffic(async () => {
      await network.ip('router', 'link set director down');
      await expect
        .poll(() => plane.events.filter((event) => event.type === 'next-hop' && !event.resolved).length)
        .toBeGreaterThanOrEqual(2);
      await network.ip('router', `link set director address ${mac}`, 'link set director up');
      // Going down took its IPv6 address and the routes with it.
      await network.ip('router', `address add ${formatIp(ROUTER[6])}/64 dev director nodad`);
      await network.ip('router', 'route replace 192.0.2.0/24 dev director');
      await network.ip('router', 'route replace 2001:db8:10::/64 dev director');
      for (const family of FAMILIES) await followsMac(family, mac);
    });
    const after = await underTraffic(() => delay(300));
    expect(after.arrived).toBe(after.sent);
    const told = plane.events.filter((event) => event.type === 'next-hop').slice(-2);
    expect(told).toMatchObject([{ resolved: true }, { resolved: true }]);
  });

  test('the interface goes down and up, and has another MTU', async () => {
    await network.ip('director', 'link set eth0 down', 'link set eth0 up mtu 1450');
    await network.ip('director', 'address replace 2001:db8::2/64 dev eth0 nodad');
    await network.ip(
      'director',
      'route replace default via 10.0.0.1',
      'route replace default via 2001:db8::1',
    );
    await expect.poll(async () => (await underTraffic(() => delay(100))).arrived).toBeGreaterThan(50);
    expect((await plane.counters()).reasons).toBeDefined();
    await network.ip('director', 'link set eth0 mtu 1320');
    await delay(100);
    for (const family of FAMILIES) {
      const headers = family === 4 ? 40 : 60;
      expect(await toldMtu(family, 1310 - headers)).toBe(1320 - TUNNEL_BYTES[family]);
    }
  });
});
