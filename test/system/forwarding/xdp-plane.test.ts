// client 198.51.100.2 ── router ── 10.0.0.2 director (XDP on eth0; the VIPs are routed to it)
//                          └────── 10.0.1.2 real, which takes nothing apart: what comes to it is captured
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RTN } from '../../../src/linux/netlink/constants.ts';
import { changeLink } from '../../../src/linux/netlink/devices/link.ts';
import { setPermanentNeighbour } from '../../../src/linux/netlink/neighbour.ts';
import { deleteRoute, replaceRoute } from '../../../src/linux/netlink/route.ts';
import { NetlinkSocket } from '../../../src/linux/netlink/socket.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { readU16 } from '../../../src/net/bytes.ts';
import { ARP_OPERATION, buildArp, parseArp } from '../../../src/net/headers/arp.ts';
import { BROADCAST_MAC, buildEthernet, ETHERTYPE, formatMac } from '../../../src/net/headers/ethernet.ts';
import { buildIcmp, ICMP_TYPE, parseIcmp } from '../../../src/net/headers/icmp.ts';
import { buildIpv4, PROTOCOL, parseIpv4Header } from '../../../src/net/headers/ipv4.ts';
import { buildTcp, parseTcp, TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import { PlaneFixture } from '../xdp-plane/fixture.ts';
import { type Captured, CLIENT, DIRECTOR, delay, REAL, receive, tcp, VIP } from '../xdp-plane/packets.ts';
import { able } from '../xdp-plane/table.ts';

describe.skipIf(!able)('the xdp plane (needs root and build/bpf/director.bpf.o)', () => {
  let fixture: PlaneFixture;

  beforeAll(async () => {
    fixture = await PlaneFixture.build();
  });

  beforeEach(() => fixture.forgetCaptured());

  afterAll(async () => {
    await fixture?.[Symbol.asyncDispose]();
  });

  /** The inner packet of the next connection that is opened through the tunnel. */
  async function nextSyn(): Promise<Uint8Array> {
    for (;;) {
      for (const { packet } of await receive(fixture.atReal, { protocol: PROTOCOL.ipip })) {
        const inner = packet.subarray(20);
        if (inner[33] === TCP_FLAGS.syn) return inner;
      }
    }
  }

  function lastNextHopEvent(): unknown {
    return fixture.plane.events.filter(({ type }) => type === 'next-hop').at(-1);
  }

  test('runs in native mode', () => {
    expect(fixture.plane.description).toBe('xdp, native mode on eth0');
  });

  test('a packet for a VIP leaves encapsulated by the fast path', async () => {
    const before = await fixture.plane.counters();
    fixture.client.send(tcp(40_001), VIP);
    const [outer] = await receive(fixture.atReal, { protocol: PROTOCOL.ipip });
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

    const [sent] = await receive(fixture.atRouter, { protocol: PROTOCOL.ipip });
    expect(formatMac((sent as Captured).frame.subarray(0, 6))).toBe(
      formatMac(fixture.network.link('router', 'director').mac),
    );
    expect(formatMac((sent as Captured).frame.subarray(6, 12))).toBe(
      formatMac(fixture.network.link('director').mac),
    );

    const after = await fixture.plane.counters();
    expect(after.handedOver).toBe(before.handedOver);
    expect(after.services[0]?.packets).toBe((before.services[0]?.packets ?? 0) + 1);
    expect(after.services[0]?.bytes).toBe((before.services[0]?.bytes ?? 0) + 40);
  });

  test('ARP requests for a VIP are answered, for another address they are not', async () => {
    const { mac } = fixture.network.link('router', 'director');
    const ask = (target: string): void => {
      const request = buildArp({
        operation: ARP_OPERATION.request,
        senderMac: mac,
        senderAddress: ipv4('10.0.0.1'),
        targetMac: new Uint8Array(6),
        targetAddress: ipv4(target),
      });
      fixture.atRouter.send(
        buildEthernet({ destination: BROADCAST_MAC, source: mac, etherType: ETHERTYPE.arp }, request),
      );
    };
    ask('192.0.2.11');
    ask('192.0.2.10');
    await expect
      .poll(() => {
        for (let seen = fixture.atRouter.receive(); seen !== undefined; seen = fixture.atRouter.receive()) {
          if (!seen.outgoing && readU16(seen.frame, 12) === ETHERTYPE.arp) return parseArp(seen.frame, 14);
        }
        return undefined;
      })
      .toMatchObject({
        operation: ARP_OPERATION.reply,
        senderAddress: VIP,
        senderMac: Uint8Array.from(fixture.network.link('director').mac),
        targetAddress: ipv4('10.0.0.1'),
      });
  });

  test('a VIP answers echo requests', async () => {
    const data = Uint8Array.from({ length: 56 }, (_, index) => index);
    const echo = buildIcmp({ type: ICMP_TYPE.echoRequest, code: 0, rest: 0x12340001, payload: data });
    fixture.client.send(buildIpv4({ source: CLIENT, destination: VIP, protocol: PROTOCOL.icmp }, echo), VIP);
    const [reply] = await receive(fixture.atClient, { protocol: PROTOCOL.icmp });
    expect(reply?.header).toMatchObject({ source: VIP, destination: CLIENT });
    expect(parseIcmp(reply?.packet as Uint8Array, 20)).toMatchObject({
      type: ICMP_TYPE.echoReply,
      rest: 0x12340001,
    });
    expect(reply?.packet.subarray(28)).toEqual(data);
  });

  test('too big with DF: fragmentation needed, 1480', async () => {
    fixture.client.send(tcp(40_002, { flags: TCP_FLAGS.ack, data: 1460 }), VIP);
    const [error] = await receive(fixture.atClient, { protocol: PROTOCOL.icmp });
    expect(error?.header).toMatchObject({ source: VIP, destination: CLIENT });
    expect(parseIcmp(error?.packet as Uint8Array, 20)).toMatchObject({ type: 3, code: 4, nextHopMtu: 1480 });
    fixture.client.send(tcp(40_002, { flags: TCP_FLAGS.ack, data: 1440 }), VIP);
    const [outer] = await receive(fixture.atReal, { protocol: PROTOCOL.ipip });
    expect(outer?.header.totalLength).toBe(1500);
  });

  test('too big without DF: outer fragments', async () => {
    fixture.client.send(tcp(40_003, { flags: TCP_FLAGS.ack, data: 1460, df: false }), VIP);
    const fragments = await receive(fixture.atReal, { protocol: PROTOCOL.ipip, count: 2 });
    expect(fragments.map(({ header }) => header.totalLength)).toEqual([1500, 40]);
    expect(fragments[0]?.header.id).toBe(fragments[1]?.header.id);
  });

  test('a real that takes no tunnel packets fails its check at once', async () => {
    const target = { via: 'tunnel', vip: VIP, port: 80, real: REAL } as const;
    await fixture.whileRefusingTunnels(async () => {
      await expect(fixture.plane.check(target)).rejects.toThrow('protocol unreachable');
    });
  });

  test('checks go through the tunnel to the real under test', async () => {
    const real = fixture.network.sender('real');
    const target = { via: 'tunnel', vip: VIP, port: 80, real: REAL } as const;
    for (const [flags, outcome] of [
      [TCP_FLAGS.syn | TCP_FLAGS.ack, 'connected'],
      [TCP_FLAGS.rst | TCP_FLAGS.ack, 'connection refused'],
    ] as const) {
      const check = fixture.plane.check(target).then(
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
    await expect(fixture.plane.check({ ...target, real: ipv4('10.0.1.9') })).rejects.toThrow(
      /no route|not part/,
    );
  });

  test('a new MAC address of the next hop is followed', async () => {
    using socket = new NetlinkSocket(fixture.network.namespace('router'));
    const { index } = fixture.network.link('router', 'director');
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
      .poll(async () => {
        fixture.atRouter.send(
          buildEthernet({ destination: BROADCAST_MAC, source: mac, etherType: ETHERTYPE.arp }, announce),
        );
        await delay(20);
        fixture.client.send(tcp(40_004), VIP);
        const [frame] = await receive(fixture.atRouter, { protocol: PROTOCOL.ipip });
        return formatMac((frame as Captured).frame.subarray(0, 6));
      })
      .toBe(formatMac(mac));
  });

  test('the route is followed: its MTU, its loss and its return', async () => {
    using socket = new NetlinkSocket(fixture.network.namespace('director'));
    const route = { destination: ipv4('10.0.1.0'), prefixLength: 24, gateway: ipv4('10.0.0.1') };
    replaceRoute(socket, { ...route, mtuBytes: 1300 });
    await delay(50);
    fixture.client.send(tcp(40_006, { flags: TCP_FLAGS.ack, data: 1300 }), VIP);
    const [error] = await receive(fixture.atClient, { protocol: PROTOCOL.icmp });
    expect(parseIcmp(error?.packet as Uint8Array, 20)).toMatchObject({ type: 3, code: 4, nextHopMtu: 1280 });

    replaceRoute(socket, { destination: route.destination, prefixLength: 24, type: RTN.unreachable });
    await expect.poll(lastNextHopEvent).toMatchObject({ real: REAL, resolved: false, detail: 'no route' });
    deleteRoute(socket, { destination: route.destination, prefixLength: 24, type: RTN.unreachable });
    await expect.poll(lastNextHopEvent).toMatchObject({ resolved: true, detail: 'via 10.0.0.1 on eth0' });
    fixture.client.send(tcp(40_006), VIP);
    await receive(fixture.atReal, { protocol: PROTOCOL.ipip });
  });

  test('a smaller MTU on the way to a real is learned from the router, and the client told at once', async () => {
    using socket = new NetlinkSocket(fixture.network.namespace('router'));
    const { index } = fixture.network.link('router', 'real');
    changeLink(socket, index, { mtuBytes: 1400 });
    fixture.client.send(tcp(40_007, { flags: TCP_FLAGS.ack, data: 1440 }), VIP);
    const [error] = await receive(fixture.atClient, { protocol: PROTOCOL.icmp });
    expect(error?.header).toMatchObject({ source: VIP, destination: CLIENT });
    expect(parseIcmp(error?.packet as Uint8Array, 20)).toMatchObject({ type: 3, code: 4, nextHopMtu: 1380 });
    fixture.client.send(tcp(40_007, { flags: TCP_FLAGS.ack, data: 1340 }), VIP);
    const [outer] = await receive(fixture.atReal, { protocol: PROTOCOL.ipip });
    expect(outer?.header.totalLength).toBe(1400);
    changeLink(socket, index, { mtuBytes: 1500 });
  });

  test('a new MAC address of the interface itself is followed', async () => {
    using socket = new NetlinkSocket(fixture.network.namespace('director'));
    const mac = Uint8Array.of(2, 0, 0, 0, 0x77, 2);
    changeLink(socket, fixture.network.link('director').index, { mac });
    await delay(50);
    // The router still has the former one, and so have the client's first packets.
    using neighbours = new NetlinkSocket(fixture.network.namespace('router'));
    const { index } = fixture.network.link('router', 'director');
    setPermanentNeighbour(neighbours, { ifIndex: index, address: DIRECTOR, mac });
    fixture.client.send(tcp(40_008), VIP);
    const [sent] = await receive(fixture.atRouter, { protocol: PROTOCOL.ipip });
    expect(formatMac((sent as Captured).frame.subarray(6, 12))).toBe(formatMac(mac));
  });
});
