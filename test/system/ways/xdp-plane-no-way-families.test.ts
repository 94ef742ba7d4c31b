// Reals without a way, in every mix of families: no route, and a neighbour that does not answer.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PacketSocket } from '../../../src/linux/sockets/packet-socket.ts';
import type { RawSender } from '../../../src/linux/sockets/raw-socket.ts';
import { type IpAddress, ip } from '../../../src/net/address/ip-address.ts';
import { ICMP_CODE, parseIcmp } from '../../../src/net/headers/icmp.ts';
import { ICMPV6_CODE, ICMPV6_TYPE } from '../../../src/net/headers/icmpv6.ts';
import { TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import { buildFamiliesNetwork, CLIENT, openSinks, REAL, VIP } from '../xdp-plane/families-network.ts';
import { arrivals, arrivalsOf, isIcmpOf, isTunnelTo, tcpBetween } from '../xdp-plane/ip-packets.ts';
import { RemotePlane } from '../xdp-plane/remote-plane.ts';
import { able, SERVICE, TABLE } from '../xdp-plane/table.ts';
import type { WiredNetwork } from '../xdp-plane/wired-network.ts';

const MIXES = [
  { vip: 4, real: 6 },
  { vip: 6, real: 4 },
  { vip: 6, real: 6 },
] as const;
/** No route leads there. */
const LOST = { 4: ip('10.99.0.9'), 6: ip('2001:db8:99::9') } as const;
/** On the director's link, and nobody has it. */
const SILENT = { 4: ip('10.0.0.77'), 6: ip('2001:db8::77') } as const;
const DESTINATION_UNREACHABLE = 3;
let nextPort = 30_000;

describe.skipIf(!able)(
  'reals without a way, of both families (needs root and build/bpf/director.bpf.o)',
  () => {
    const cleanUp = new AsyncDisposableStack();
    let network: WiredNetwork;
    let plane: RemotePlane;
    let client: RawSender;
    let atClient: PacketSocket;
    let atReal: PacketSocket;

    beforeAll(async () => {
      network = cleanUp.use(await buildFamiliesNetwork());
      for (const sink of openSinks(network, 'real')) cleanUp.use(sink);
      client = network.sender('client');
      atClient = network.capture('client');
      atReal = network.capture('real');
      plane = await RemotePlane.open(network.namespace('director'), `no-way-${network.id}`);
      cleanUp.defer(() => plane.remove());
      await network.ip(
        'director',
        'route add unreachable 10.99.0.0/24',
        '-6 route add unreachable 2001:db8:99::/64',
      );
    });

    beforeEach(() => {
      arrivals(atClient);
      arrivals(atReal);
    });

    afterAll(() => cleanUp.disposeAsync());

    async function apply(vip: 4 | 6, ...addresses: readonly IpAddress[]): Promise<void> {
      const reals = addresses.map((address) => ({ address, weight: 1, serving: true }));
      const service = { ...SERVICE, vip: VIP[vip], port: 80, scheduler: 'wlc', reals } as const;
      await plane.apply({ ...TABLE, services: [service] });
    }

    function send(vip: 4 | 6): void {
      const ends = { source: CLIENT[vip], destination: VIP[vip] };
      const ports = { sourcePort: nextPort++, destinationPort: 80 };
      client.send(tcpBetween(ends, { ...ports, flags: TCP_FLAGS.syn }), VIP[vip]);
    }

    test.each(MIXES)('IPv$vip VIP, IPv$real real: host unreachable from the VIP', async ({ vip, real }) => {
      await apply(vip, LOST[real]);
      send(vip);
      const type = vip === 4 ? DESTINATION_UNREACHABLE : ICMPV6_TYPE.destinationUnreachable;
      const [error] = await arrivalsOf(atClient, isIcmpOf(type));
      expect(error?.header).toMatchObject({ source: VIP[vip], destination: CLIENT[vip] });
      const code = vip === 4 ? ICMP_CODE.hostUnreachable : ICMPV6_CODE.addressUnreachable;
      expect(parseIcmp(error?.packet as Uint8Array, error?.header.headerBytes ?? 0)).toMatchObject({ code });
    });

    test.each(MIXES)(
      'IPv$vip VIP, IPv$real reals: new flows pass over the one without a way',
      async ({ vip, real }) => {
        for (const gone of [LOST[real], SILENT[real]]) {
          await apply(vip, gone, REAL[real]);
          const lost = async (): Promise<unknown> =>
            (await plane.counters()).services[0]?.reals
              .filter(({ noWay }) => noWay === true)
              .map(({ address }) => address);
          await expect
            .poll(async () => {
              send(vip);
              return lost();
            })
            .toEqual([gone]);
          arrivals(atReal);
          for (let count = 0; count < 20; count++) send(vip);
          const found = await arrivalsOf(atReal, isTunnelTo(REAL[real]));
          await expect
            .poll(() => {
              found.push(...arrivals(atReal).filter(isTunnelTo(REAL[real])));
              return found.length;
            })
            .toBeGreaterThanOrEqual(20);
        }
      },
    );
  },
);
