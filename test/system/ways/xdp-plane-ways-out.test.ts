// director 10.0.0.1 ── eth0 ══ veth ══ eth0 ── 10.0.0.2 peer, which is the client, the router to the real and the real
// (10.0.1.2), and takes nothing apart: what comes to it is captured. The director has this one interface, so that all of its
// packets leave by the one they came in by.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readDriverStatistics } from '../../../src/linux/devices/driver-statistics.ts';
import { setOffloads } from '../../../src/linux/devices/offload.ts';
import { inNamespace } from '../../../src/linux/namespaces/namespace-thread.ts';
import type { PacketSocket } from '../../../src/linux/sockets/packet-socket.ts';
import type { RawSender } from '../../../src/linux/sockets/raw-socket.ts';
import { ip } from '../../../src/net/address/ip-address.ts';
import { openSinks } from '../xdp-plane/families-network.ts';
import { arrivals, arrivalsOf, isTunnelTo, tcpBetween } from '../xdp-plane/ip-packets.ts';
import { RemotePlane } from '../xdp-plane/remote-plane.ts';
import { able, SERVICE, TABLE } from '../xdp-plane/table.ts';
import { PASS_OBJECT } from '../xdp-plane/topology.ts';
import { WiredNetwork } from '../xdp-plane/wired-network.ts';

const VIP = ip('192.0.2.10');
const REAL = ip('10.0.1.2');
const PEER = ip('10.0.0.2');
/** Looks once a second, on a machine that may have other work. */
const SOON = { timeout: 15_000, interval: 250 } as const;

describe.skipIf(!able)('a veth device as the only way out (needs root and build/bpf/director.bpf.o)', () => {
  const cleanUp = new AsyncDisposableStack();
  let network: WiredNetwork;
  let plane: RemotePlane;
  let atPeer: PacketSocket;
  let sender: RawSender;
  let nextPort = 40_000;

  beforeAll(async () => {
    network = cleanUp.use(new WiredNetwork());
    network.addHosts('peer', 'director');
    await network.cable('director:eth0', 'peer:eth0');
    await network.ip('peer', 'link set eth0 xdp off', 'address add 10.0.0.2/24 dev eth0');
    await network.ip('peer', 'address add 10.0.1.2/32 dev lo', 'route add 192.0.2.0/24 via 10.0.0.1');
    await network.ip('director', 'address add 10.0.0.1/24 dev eth0', 'route add 10.0.1.0/24 via 10.0.0.2');
    for (const sink of openSinks(network, 'peer')) cleanUp.use(sink);
    atPeer = network.capture('peer');
    sender = network.sender('peer');
    plane = await RemotePlane.open(network.namespace('director'), `ways-${network.id}`);
    cleanUp.defer(() => plane.remove());
    const reals = [{ address: REAL, weight: 1, serving: true }];
    await plane.apply({ ...TABLE, services: [{ ...SERVICE, reals }] });
    // Until the kernel has the neighbour the slow path sends in any case.
    await network.ip('peer', 'neighbour replace 10.0.0.1 dev eth0 lladdr ' + macOf('director'));
    await network.ip('director', 'neighbour replace 10.0.0.2 dev eth0 lladdr ' + macOf('peer'));
  });

  beforeEach(() => void arrivals(atPeer));

  afterAll(() => cleanUp.disposeAsync());

  function macOf(host: string): string {
    return Buffer.from(network.link(host).mac)
      .toString('hex')
      .replaceAll(/..(?=.)/g, '$&:');
  }

  /** Sends one packet, which has to arrive in the tunnel; says who sent it. */
  async function sentBy(): Promise<'fast path' | 'slow path'> {
    const before = (await plane.counters()).handedOver;
    sender.send(tcpBetween({ source: PEER, destination: VIP }, { sourcePort: nextPort++ }), VIP);
    await arrivalsOf(atPeer, isTunnelTo(REAL));
    return (await plane.counters()).handedOver === before ? 'fast path' : 'slow path';
  }

  function warnings(): string[] {
    return plane.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  }

  const refused = expect.stringMatching(
    /^XDP cannot send through eth0: the slow path sends.*fix: attach/,
  ) as string;
  const works = expect.stringMatching(/^XDP can send through eth0 again/) as string;

  test('whose other end has no XDP program: the slow path serves, and says why', async () => {
    expect(await sentBy()).toBe('slow path');
    expect(await sentBy()).toBe('slow path');
    expect(warnings()).toEqual([refused]);
    const { reasons } = await plane.counters();
    expect(reasons.unresolved).toBeGreaterThanOrEqual(2);
  });

  test('that is given one later: the fast path takes over', async () => {
    await network.ip('peer', `link set dev eth0 xdp obj ${PASS_OBJECT} sec xdp`);
    await expect.poll(sentBy, SOON).toBe('fast path');
    expect(await sentBy()).toBe('fast path');
    expect(warnings()).toEqual([refused, works]);
  });

  test('that loses it again: the slow path again', async () => {
    await network.ip('peer', 'link set eth0 xdp off');
    await expect.poll(warnings, SOON).toEqual([refused, works, refused]);
    expect(await sentBy()).toBe('slow path');
  });

  test('that polls for GRO instead: the fast path, by redirection, without waiting', async () => {
    await setOffloads('eth0', { gro: true }, network.namespace('peer'));
    await expect.poll(warnings, SOON).toEqual([refused, works, refused, works]);
    expect(await sentBy()).toBe('fast path');
    expect(await sentBy()).toBe('fast path');
  });

  test('nothing was lost on the way, by the driver’s counters', () => {
    const { driver, counters } = inNamespace(network.namespace('director'), () =>
      readDriverStatistics('eth0'),
    ) ?? { driver: '', counters: new Map<string, bigint>() };
    expect(driver).toBe('veth');
    expect(counters.get('rx_queue_0_xdp_tx_errors')).toBe(0n);
  });
});
