//  client one ── one:eth0 ┐
//  (host peer)            ├ one:sync ── two:sync     peer is client, gateway and reals; both directors have the same services
//  client two ── two:eth0 ┘
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { topologyObstacle } from '../../../src/lab/namespaces/topology.ts';
import type { PacketSocket } from '../../../src/linux/sockets/packet-socket.ts';
import { formatIp, type IpAddress, ip } from '../../../src/net/address/ip-address.ts';
import { buildEthernet, ETHERTYPE } from '../../../src/net/headers/ethernet.ts';
import { TCP_FLAGS } from '../../../src/net/headers/tcp.ts';
import { CulvertRun } from '../culvert-run.ts';
import { type Arrival, arrivals, tcpBetween } from '../xdp-plane/ip-packets.ts';
import { delay } from '../xdp-plane/packets.ts';
import { WiredNetwork } from '../xdp-plane/wired-network.ts';

const obstacle = topologyObstacle();
const DIRECTORS = ['one', 'two'] as const;
type DirectorName = (typeof DIRECTORS)[number];
const [WLC, PERSISTENT] = [ip('192.0.2.10'), ip('192.0.2.11')];
const REALS =
  '[{address: 10.9.0.1, weight: 1}, {address: 10.9.0.2, weight: 2}, {address: 10.9.0.3, weight: 3}]';
const SERVICES = `services:
  - {vip: 192.0.2.10, port: 80, scheduler: wlc, check: none, reals: ${REALS}}
  - {vip: 192.0.2.11, port: 80, scheduler: wlc, persistence: 5m, check: none, reals: ${REALS}}
`;
const CONNECTIONS = 200;

interface Connection {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly sourcePort: number;
}

const CONNECTIONS_OF_BOTH: readonly Connection[] = Array.from({ length: CONNECTIONS }, (_, i) => ({
  source: ip(`198.51.100.${1 + (i % 50)}`),
  destination: i % 2 === 0 ? WLC : PERSISTENT,
  sourcePort: 20_000 + i,
}));

describe.skipIf(obstacle !== undefined)(
  `two directors that synchronise their flows${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  () => {
    const cleanUp = new AsyncDisposableStack();
    const captures = new Map<DirectorName, PacketSocket>();
    let network: WiredNetwork;

    beforeAll(async () => {
      network = cleanUp.use(new WiredNetwork());
      network.addHosts('peer', ...DIRECTORS);
      for (const [i, name] of DIRECTORS.entries()) {
        await network.cable(`${name}:eth0`, `peer:${name}`);
        await network.ip('peer', `address add 10.${i}.0.1/24 dev ${name}`);
        await network.ip(name, `address add 10.${i}.0.2/24 dev eth0`, `route add default via 10.${i}.0.1`);
        captures.set(name, network.capture('peer', name));
      }
      await network.cable('one:sync', 'two:sync');
      for (const [i, name] of DIRECTORS.entries())
        await network.ip(name, `address add 10.2.0.${i + 1}/24 dev sync`);
    });

    afterAll(() => cleanUp.disposeAsync());

    function start(name: DirectorName, director: string): CulvertRun {
      const instance = `sync${network.id}${name}`;
      return new CulvertRun({ namespace: network.namespace(name), instance, config: SERVICES, director });
    }

    /** Sends a packet of each connection by a director; returns the real that each came to. */
    async function send(by: DirectorName, list: readonly Connection[], flags: number): Promise<string[]> {
      const capture = captures.get(by) as PacketSocket;
      const addresses = { source: network.link('peer', by).mac, destination: network.link(by).mac };
      const found = new Map<number, string>();
      for (let from = 0; from < list.length; from += 20) {
        for (const { sourcePort, ...ends } of list.slice(from, from + 20)) {
          const packet = tcpBetween(ends, { sourcePort, flags });
          capture.send(buildEthernet({ ...addresses, etherType: ETHERTYPE.ipv4 }, packet));
        }
        await arrived(capture, found, Math.min(list.length, from + 20));
      }
      return list.map(({ sourcePort }) => found.get(sourcePort) ?? 'nowhere');
    }

    test('keep every connection at its real when the other one takes over, and persistence too', async () => {
      const backup = 'sync: {backup: {interface: sync, syncId: 5}}';
      await using two = start('two', backup);
      await using one = start('one', 'sync: {master: {interface: sync, syncId: 5, period: 2s}}');
      expect([await one.started(), await two.started()], one.log + two.log).toEqual([true, true]);
      const reals = await send('one', CONNECTIONS_OF_BOTH, TCP_FLAGS.syn);
      expect(await send('one', CONNECTIONS_OF_BOTH, TCP_FLAGS.ack)).toEqual(reals);
      expect(new Set(reals).size).toBe(3);
      const templates = 25;
      await two.until(async () => {
        const [role] = (await two.api.status()).sync;
        return (role?.counters['learned'] ?? 0) >= CONNECTIONS + templates;
      });
      await one.end('SIGKILL');
      expect(await send('two', CONNECTIONS_OF_BOTH, TCP_FLAGS.ack)).toEqual(reals);
      const again = CONNECTIONS_OF_BOTH.filter(({ destination }) => destination === PERSISTENT);
      const wanted = reals.filter((_, i) => CONNECTIONS_OF_BOTH[i]?.destination === PERSISTENT);
      const fresh = again.map((connection) => ({
        ...connection,
        sourcePort: connection.sourcePort + 10_000,
      }));
      expect(await send('two', fresh, TCP_FLAGS.syn)).toEqual(wanted);
    });

    test('tell of two masters with one syncid, and of an interface that is not there', async () => {
      await using one = start('one', 'sync: {master: {interface: sync, syncId: 5, period: 1s}}');
      await using two = start(
        'two',
        'sync: {master: {interface: sync, syncId: 5, period: 1s}, backup: {interface: nosuch}}',
      );
      expect([await one.started(), await two.started()], one.log + two.log).toEqual([true, true]);
      expect(two.log).toContain('there is no interface nosuch');
      const some = CONNECTIONS_OF_BOTH.slice(0, 10).filter(({ destination }) => destination === WLC);
      for (const flags of [TCP_FLAGS.syn, TCP_FLAGS.ack]) await send('one', some, flags);
      await two.until(() => two.log.includes('10.2.0.1 on sync sends flows as a master with syncid 5 too'));
    });
  },
);

async function arrived(capture: PacketSocket, found: Map<number, string>, count: number): Promise<void> {
  for (const end = Date.now() + 5000; found.size < count && Date.now() < end; await delay(5)) {
    for (const arrival of arrivals(capture)) {
      if (arrival.inner !== undefined) found.set(clientPort(arrival), formatIp(arrival.header.destination));
    }
  }
}

function clientPort({ packet, header }: Arrival): number {
  const inner = header.headerBytes + 20;
  return ((packet[inner] as number) << 8) | (packet[inner + 1] as number);
}
