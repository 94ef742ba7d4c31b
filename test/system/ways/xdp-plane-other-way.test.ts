// clients ── eth0 director (XDP) eth1 ── real: answers to checks come in where the fast path is not
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Service } from '../../../src/forwarding/forwarding-table.ts';
import { formatIp, ip } from '../../../src/net/address/ip-address.ts';
import { isFault } from '../../../src/net/fault.ts';
import { parseTcp, TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import { echoReplyTo, isTunnelledEcho } from '../xdp-plane/echo.ts';
import { openSinks } from '../xdp-plane/families-network.ts';
import { type Arrival, arrivalsOf, tcpBetween } from '../xdp-plane/ip-packets.ts';
import { RemotePlane } from '../xdp-plane/remote-plane.ts';
import { able, SERVICE, TABLE } from '../xdp-plane/table.ts';
import { WiredNetwork } from '../xdp-plane/wired-network.ts';

const VIP = { 4: ip('192.0.2.10'), 6: ip('2001:db8:10::10') } as const;
const OWN = { 4: ip('10.0.1.1'), 6: ip('2001:db8:1::1') } as const;
const REAL = { 4: ip('10.0.1.2'), 6: ip('2001:db8:1::2') } as const;
const FAMILIES = [4, 6] as const;
const SERVICES: readonly Service[] = FAMILIES.map((family) => ({
  ...SERVICE,
  vip: VIP[family],
  reals: [{ address: REAL[family], weight: 1, serving: true }],
}));

describe.skipIf(!able)('checks by another interface (needs root and build/bpf/director.bpf.o)', () => {
  const cleanUp = new AsyncDisposableStack();
  let network: WiredNetwork;
  let plane: RemotePlane;

  beforeAll(async () => {
    network = cleanUp.use(new WiredNetwork());
    network.addHosts('clients', 'director', 'real');
    await network.cable('director:eth0', 'clients:eth0');
    await network.cable('director:eth1', 'real:eth0');
    await network.ip('director', 'address add 10.0.0.2/24 dev eth0');
    for (const family of FAMILIES) {
      const length = family === 4 ? '24' : '64 nodad';
      const [bits = '', ...flags] = length.split(' ');
      const end = ['', ...flags].join(' ');
      await network.ip('director', `address add ${formatIp(OWN[family])}/${bits} dev eth1${end}`);
      await network.ip('real', `address add ${formatIp(REAL[family])}/${bits} dev eth0${end}`);
    }
    await network.ip(
      'director',
      'route add 192.0.2.0/24 via 10.0.0.9',
      'route add 2001:db8:10::/64 dev eth1',
    );
    for (const sink of openSinks(network, 'real')) cleanUp.use(sink);
    plane = await RemotePlane.open(network.namespace('director'), `other-${network.id}`);
    cleanUp.defer(() => plane.remove());
    await plane.apply({ ...TABLE, services: SERVICES });
  });

  afterAll(() => cleanUp.disposeAsync());

  test.each(FAMILIES)('a connection and an echo request of IPv%i', async (family) => {
    const atReal = network.capture('real');
    const real = network.sender('real');
    const target = { via: 'tunnel', vip: VIP[family], port: 80, real: REAL[family] } as const;
    const check = plane.check(target);
    const isSyn = ({ inner, header, packet }: Arrival): boolean =>
      inner?.source === OWN[family] && packet[header.headerBytes + inner.headerBytes + 13] === TCP_FLAGS.syn;
    const [arrived] = (await arrivalsOf(atReal, isSyn)) as [Arrival];
    const syn = parseTcp(arrived.packet, arrived.header.headerBytes + (arrived.inner?.headerBytes ?? 0));
    if (isFault(syn)) throw new Error(syn);
    const ends = { source: VIP[family], destination: OWN[family] };
    const answer = tcpBetween(ends, {
      sourcePort: 80,
      destinationPort: syn.sourcePort,
      flags: TCP_FLAGS.syn | TCP_FLAGS.ack,
      sequence: 1000,
      acknowledgment: (syn.sequence + 1) >>> 0,
    });
    real.send(answer, OWN[family]);
    await check;

    const ping = plane.ping(target);
    const [request] = (await arrivalsOf(atReal, isTunnelledEcho)) as [Arrival];
    real.send(echoReplyTo(request), OWN[family]);
    await ping;
    expect(plane.events.filter(({ type }) => type === 'warning')).toEqual([]);
  });
});
