// client 198.51.100.2 ── router ── 10.0.0.2 director (XDP on eth0; the VIPs are routed to it)
//                          └────── 10.0.1.2 real, which takes nothing apart: what comes to it is captured
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { queryXdp } from '../../src/linux/bpf/query.ts';
import { AF, openSocket, SOCK } from '../../src/linux/descriptor.ts';
import { inNamespace } from '../../src/linux/namespace-thread.ts';
import { RTN } from '../../src/linux/netlink/constants.ts';
import { changeLink, listLinks } from '../../src/linux/netlink/link.ts';
import { deleteRoute, replaceRoute } from '../../src/linux/netlink/route.ts';
import { listMarkRules } from '../../src/linux/netlink/rule.ts';
import { NetlinkSocket } from '../../src/linux/netlink/socket.ts';
import type { PacketSocket } from '../../src/linux/packet-socket.ts';
import type { RawSender } from '../../src/linux/raw-socket.ts';
import { ARP_OPERATION, buildArp, parseArp } from '../../src/net/arp.ts';
import { readU16 } from '../../src/net/bytes.ts';
import { BROADCAST_MAC, buildEthernet, ETHERTYPE, formatMac } from '../../src/net/ethernet.ts';
import { buildIcmp, ICMP_TYPE, parseIcmp } from '../../src/net/icmp.ts';
import { buildIpv4, PROTOCOL, parseIpv4Header } from '../../src/net/ipv4.ts';
import { ipv4 } from '../../src/net/ipv4-address.ts';
import { buildTcp, parseTcp, TCP_FLAGS } from '../../src/net/tcp.ts';
import {
  type Captured,
  CLIENT,
  DIRECTOR,
  delay,
  drain,
  REAL,
  receive,
  tcp,
  udp,
  VIP,
} from './xdp-plane/packets.ts';
import { RemotePlane } from './xdp-plane/remote-plane.ts';
import { able, SERVICE, TABLE } from './xdp-plane/table.ts';
import { TestNetwork } from './xdp-plane/topology.ts';

describe.skipIf(!able)('the xdp plane (needs root and build/bpf/director.bpf.o)', () => {
  let network: TestNetwork;
  let plane: RemotePlane;
  let client: RawSender;
  let atClient: PacketSocket;
  let atReal: PacketSocket;
  /** The cable of the director, from the router's end. */
  let atRouter: PacketSocket;
  let instance: string;

  beforeAll(async () => {
    network = await TestNetwork.build();
    instance = `test-${network.id}`;
    client = network.sender('client');
    atClient = network.capture('client');
    atReal = network.capture('real');
    atRouter = network.capture('router', 'director');
    plane = await RemotePlane.open(network.namespace('director'), instance);
    await plane.apply(TABLE);
    await resolved();
  });

  afterAll(async () => {
    await plane?.kill();
    if (instance !== undefined) execFileSync('rm', ['-rf', `/sys/fs/bpf/culvert/${instance}`]);
    network?.[Symbol.dispose]();
  });

  /** Until the next hop is known, which the first packet has to wait for, or rather go round. */
  async function resolved(): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const before = (await plane.counters()).handedOver;
      client.send(tcp(30_000 + attempt), VIP);
      await receive(atReal, { protocol: PROTOCOL.ipip });
      if ((await plane.counters()).handedOver === before) return;
    }
    throw new Error('the fast path never learned the next hop');
  }

  function drainAll(): void {
    for (const socket of [atClient, atReal, atRouter]) drain(socket);
  }

  function programId(): number | undefined {
    const { index } = network.link('director');
    return inNamespace(network.namespace('director'), () => queryXdp(index))?.programId;
  }

  /** The inner packet of the next connection that is opened through the tunnel. */
  async function nextSyn(): Promise<Uint8Array> {
    for (;;) {
      for (const { packet } of await receive(atReal, { protocol: PROTOCOL.ipip })) {
        const inner = packet.subarray(20);
        if (inner[33] === TCP_FLAGS.syn) return inner;
      }
    }
  }

  function lastNextHopEvent(): unknown {
    return plane.events.filter(({ type }) => type === 'next-hop').at(-1);
  }

  test('runs in native mode', () => {
    expect(plane.description).toBe('xdp, native mode on eth0');
  });

  test('a packet for a VIP leaves encapsulated by the fast path', async () => {
    drainAll();
    const before = await plane.counters();
    client.send(tcp(40_001), VIP);
    const [outer] = await receive(atReal, { protocol: PROTOCOL.ipip });
    expect(outer?.header).toMatchObject({
      source: DIRECTOR,
      destination: REAL,
      id: 0,
      dontFragment: true,
      // The client's 64, less the router, the director and the router again.
      ttl: 61,
    });
    const inner = outer?.packet.subarray(20) as Uint8Array;
    expect(parseIpv4Header(inner)).toMatchObject({ source: CLIENT, destination: VIP, ttl: 62, id: 7 });
    expect(parseTcp(inner, 20)).toMatchObject({ sourcePort: 40_001, flags: TCP_FLAGS.syn });

    const [sent] = await receive(atRouter, { protocol: PROTOCOL.ipip });
    expect(formatMac((sent as Captured).frame.subarray(0, 6))).toBe(
      formatMac(network.link('router', 'director').mac),
    );
    expect(formatMac((sent as Captured).frame.subarray(6, 12))).toBe(formatMac(network.link('director').mac));

    const after = await plane.counters();
    expect(after.handedOver).toBe(before.handedOver);
    expect(after.services[0]?.packets).toBe((before.services[0]?.packets ?? 0) + 1);
    expect(after.services[0]?.bytes).toBe((before.services[0]?.bytes ?? 0) + 40);
  });

  test('ARP requests for a VIP are answered, for another address they are not', async () => {
    drainAll();
    const { mac } = network.link('router', 'director');
    const ask = (target: string): void => {
      const request = buildArp({
        operation: ARP_OPERATION.request,
        senderMac: mac,
        senderAddress: ipv4('10.0.0.1'),
        targetMac: new Uint8Array(6),
        targetAddress: ipv4(target),
      });
      atRouter.send(
        buildEthernet({ destination: BROADCAST_MAC, source: mac, etherType: ETHERTYPE.arp }, request),
      );
    };
    ask('192.0.2.11');
    ask('192.0.2.10');
    await expect
      .poll(() => {
        for (let seen = atRouter.receive(); seen !== undefined; seen = atRouter.receive()) {
          if (!seen.outgoing && readU16(seen.frame, 12) === ETHERTYPE.arp) return parseArp(seen.frame, 14);
        }
        return undefined;
      })
      .toMatchObject({
        operation: ARP_OPERATION.reply,
        senderAddress: VIP,
        senderMac: Uint8Array.from(network.link('director').mac),
        targetAddress: ipv4('10.0.0.1'),
      });
  });

  test('a VIP answers echo requests', async () => {
    drainAll();
    const data = Uint8Array.from({ length: 56 }, (_, index) => index);
    const echo = buildIcmp({ type: ICMP_TYPE.echoRequest, code: 0, rest: 0x12340001, payload: data });
    client.send(buildIpv4({ source: CLIENT, destination: VIP, protocol: PROTOCOL.icmp }, echo), VIP);
    const [reply] = await receive(atClient, { protocol: PROTOCOL.icmp });
    expect(reply?.header).toMatchObject({ source: VIP, destination: CLIENT });
    expect(parseIcmp(reply?.packet as Uint8Array, 20)).toMatchObject({
      type: ICMP_TYPE.echoReply,
      rest: 0x12340001,
    });
    expect(reply?.packet.subarray(28)).toEqual(data);
  });

  test('too big with DF: fragmentation needed, 1480', async () => {
    drainAll();
    client.send(tcp(40_002, { flags: TCP_FLAGS.ack, data: 1460 }), VIP);
    const [error] = await receive(atClient, { protocol: PROTOCOL.icmp });
    expect(error?.header).toMatchObject({ source: VIP, destination: CLIENT });
    expect(parseIcmp(error?.packet as Uint8Array, 20)).toMatchObject({ type: 3, code: 4, nextHopMtu: 1480 });
    client.send(tcp(40_002, { flags: TCP_FLAGS.ack, data: 1440 }), VIP);
    const [outer] = await receive(atReal, { protocol: PROTOCOL.ipip });
    expect(outer?.header.totalLength).toBe(1500);
  });

  test('too big without DF: outer fragments', async () => {
    drainAll();
    client.send(tcp(40_003, { flags: TCP_FLAGS.ack, data: 1460, df: false }), VIP);
    const fragments = await receive(atReal, { protocol: PROTOCOL.ipip, count: 2 });
    expect(fragments.map(({ header }) => header.totalLength)).toEqual([1500, 40]);
    expect(fragments[0]?.header.id).toBe(fragments[1]?.header.id);
  });

  test('checks go through the tunnel to the real under test', async () => {
    drainAll();
    const real = network.sender('real');
    const target = { via: 'tunnel', vip: VIP, port: 80, real: REAL } as const;
    await expect(plane.check(target)).rejects.toThrow('protocol unreachable');
    // From here on the real takes tunnel packets, if only to throw them away.
    const ipip = { domain: AF.inet, type: SOCK.raw, protocol: PROTOCOL.ipip };
    using _ = inNamespace(network.namespace('real'), () => openSocket('IPIP sink', ipip));
    drainAll();
    for (const [flags, outcome] of [
      [TCP_FLAGS.syn | TCP_FLAGS.ack, 'connected'],
      [TCP_FLAGS.rst | TCP_FLAGS.ack, 'connection refused'],
    ] as const) {
      const check = plane.check(target).then(
        () => 'connected',
        (error: Error) => error.message,
      );
      const inner = await nextSyn();
      expect(parseIpv4Header(inner)).toMatchObject({ source: DIRECTOR, destination: VIP });
      const syn = parseTcp(inner, 20) as Exclude<ReturnType<typeof parseTcp>, string>;
      const ends = { source: VIP, destination: DIRECTOR };
      const answer = buildTcp({
        ...ends,
        sourcePort: 80,
        destinationPort: syn.sourcePort,
        sequence: 1000,
        acknowledgment: (syn.sequence + 1) >>> 0,
        flags,
      });
      real.send(buildIpv4({ ...ends, protocol: PROTOCOL.tcp }, answer), DIRECTOR);
      expect(await check).toBe(outcome);
    }
    await expect(plane.check({ ...target, real: ipv4('10.0.1.9') })).rejects.toThrow(/no route|not part/);
  });

  test('a new MAC address of the next hop is followed', async () => {
    drainAll();
    using socket = new NetlinkSocket(network.namespace('router'));
    const { index } = network.link('router', 'director');
    const mac = Uint8Array.of(2, 0, 0, 0, 0x77, 1);
    changeLink(socket, index, { mac });
    const announce = buildArp({
      operation: ARP_OPERATION.request,
      senderMac: mac,
      senderAddress: ipv4('10.0.0.1'),
      targetMac: new Uint8Array(6),
      targetAddress: ipv4('10.0.0.1'),
    });
    await expect
      .poll(
        async () => {
          atRouter.send(
            buildEthernet({ destination: BROADCAST_MAC, source: mac, etherType: ETHERTYPE.arp }, announce),
          );
          await delay(20);
          client.send(tcp(40_004), VIP);
          const [frame] = await receive(atRouter, { protocol: PROTOCOL.ipip });
          return formatMac((frame as Captured).frame.subarray(0, 6));
        },
        { timeout: 10_000 },
      )
      .toBe(formatMac(mac));
  });

  test('the route is followed: its MTU, its loss and its return', async () => {
    drainAll();
    using socket = new NetlinkSocket(network.namespace('director'));
    const route = { destination: ipv4('10.0.1.0'), prefixLength: 24, gateway: ipv4('10.0.0.1') };
    replaceRoute(socket, { ...route, mtuBytes: 1300 });
    await delay(50);
    client.send(tcp(40_006, { flags: TCP_FLAGS.ack, data: 1300 }), VIP);
    const [error] = await receive(atClient, { protocol: PROTOCOL.icmp });
    expect(parseIcmp(error?.packet as Uint8Array, 20)).toMatchObject({ type: 3, code: 4, nextHopMtu: 1280 });

    replaceRoute(socket, { destination: route.destination, prefixLength: 24, type: RTN.unreachable });
    await expect.poll(lastNextHopEvent).toMatchObject({ real: REAL, resolved: false, detail: 'no route' });
    deleteRoute(socket, { destination: route.destination, prefixLength: 24, type: RTN.unreachable });
    await expect.poll(lastNextHopEvent).toMatchObject({ resolved: true, detail: 'via 10.0.0.1 on eth0' });
    client.send(tcp(40_006), VIP);
    await receive(atReal, { protocol: PROTOCOL.ipip });
  });

  test('a second director on the interface is refused, with the pid of the first', async () => {
    const second = RemotePlane.open(network.namespace('director'), `${instance}b`);
    await expect(second).rejects.toMatchObject({
      code: 'ALREADY_RUNNING',
      message: expect.stringMatching(/^eth0: another director \(pid \d+\) holds this interface/) as string,
    });
  });

  test('after a kill -9 forwarding goes on, and the next start takes over without losing a packet', async () => {
    drainAll();
    const before = await plane.counters();
    const program = programId();
    let sent = 0;
    const stop = new AbortController();
    const stream = (async () => {
      for (; !stop.signal.aborted; sent++) {
        client.send(udp(50_000, Uint8Array.of(sent >>> 8, sent & 0xff)), VIP);
        await delay(1);
      }
    })();
    await delay(50);
    await plane.kill();
    await delay(100);
    plane = await RemotePlane.open(network.namespace('director'), instance);
    expect((await plane.services()).map(({ port }) => port).toSorted((a, b) => a - b)).toEqual([53, 80]);
    await plane.apply(TABLE);
    await delay(50);
    stop.abort();
    await stream;
    const arrived = await receive(atReal, { protocol: PROTOCOL.ipip, count: sent });
    expect(arrived.map(({ packet }) => readU16(packet, 48))).toEqual(
      Array.from({ length: sent }, (_, number) => number),
    );
    expect(programId()).toBe(program);
    const after = await plane.counters();
    expect(after.services[1]?.packets).toBe((before.services[1]?.packets ?? 0) + sent);
    expect(await plane.flows()).toMatchObject([
      { client: CLIENT, clientPort: 50_000, real: REAL, state: 'UDP', service: { port: 53 } },
    ]);
  });

  test('another capacity moves to new maps, and no packet is lost either', async () => {
    drainAll();
    const program = programId();
    await plane.close();
    plane = await RemotePlane.open(network.namespace('director'), instance, { slots: 1 << 18 });
    expect(programId()).toBe(program);
    client.send(tcp(40_005), VIP);
    await receive(atReal, { protocol: PROTOCOL.ipip });
    await plane.apply(TABLE);
    expect(programId()).not.toBe(program);
    await resolved();
    expect(readdirSync(`/sys/fs/bpf/culvert/${instance}`).toSorted()).toEqual([
      'build',
      'link',
      'maps',
      'maps-2',
    ]);
  });

  test('a VIP that is an address of the machine is refused, and nothing changes', async () => {
    const local = { ...TABLE, services: [{ ...SERVICE, vip: DIRECTOR }] };
    await expect(plane.apply(local)).rejects.toMatchObject({ code: 'INTERFACE' });
    expect((await plane.services()).length).toBe(2);
  });

  test('removal leaves nothing', async () => {
    await plane.remove();
    expect(existsSync(`/sys/fs/bpf/culvert/${instance}`)).toBe(false);
    expect(programId()).toBeUndefined();
    using socket = new NetlinkSocket(network.namespace('director'));
    expect(listLinks(socket).map(({ name }) => name)).toEqual(['lo', 'eth0']);
    expect(listMarkRules(socket)).toEqual([]);
  });
});
