// client ── router ── director, reals (src/lab/namespaces/topology.ts); the router floods one service of two with SYNs
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Generator } from '../../../bench/generated-traffic.ts';
import { LAB_PORT, LAB_VIP } from '../../../src/lab/lab-config.ts';
import { NamespaceLab } from '../../../src/lab/namespaces/namespace-lab.ts';
import { HOST_INTERFACE, topologyObstacle } from '../../../src/lab/namespaces/topology.ts';
import { runInNamespace } from '../../../src/linux/namespaces/netns.ts';
import { findLink, type Link } from '../../../src/linux/netlink/devices/link.ts';
import { NetlinkSocket } from '../../../src/linux/netlink/socket.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { concatBytes } from '../../../src/net/bytes.ts';
import { buildEthernet, ETHERTYPE } from '../../../src/net/headers/ethernet.ts';
import { buildIpv4, PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { buildTcp, TCP_FLAGS } from '../../../src/net/headers/tcp.ts';

const obstacle = topologyObstacle();
const FLOODED_PORT = 8080;
const FLOOD_MS = 10_000;
const PAUSE_MS = 20;
/** The least that the generator makes. */
const FRAME_BYTES = 64;
/** More than the slow path is handed of one service at once. */
const FRAMES_AT_ONCE = 5000;

describe.skipIf(obstacle !== undefined)(
  `a flood of SYNs at one wlc service${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  () => {
    let lab: NamespaceLab;
    let generator: Generator;

    beforeAll(async () => {
      lab = await NamespaceLab.open(`flood${process.pid}`);
      const flooded = { port: FLOODED_PORT, scheduler: 'wlc', keys: [`check: {port: ${LAB_PORT}}`] } as const;
      await lab.writeConfig({ scheduler: 'wlc', more: [flooded] });
      for (const { name } of lab.reals) {
        const route = ['ip', 'route', 'add', 'blackhole', '198.18.0.0/15'];
        await runInNamespace(lab.topology.namespaceOf(name as 'real1'), route);
      }
      await lab.api.reload();
      generator = new Generator(floodOf(lab));
    });

    afterAll(async () => {
      generator?.[Symbol.dispose]();
      await lab?.[Symbol.asyncDispose]();
    });

    test('takes no real out, and connections of another service are opened', async () => {
      const before = (await lab.events()).length;
      const counted = await lab.api.stats();
      const endMs = performance.now() + FLOOD_MS;
      const connections = connectUntil(endMs);
      while (performance.now() < endMs) {
        generator.flood(FRAMES_AT_ONCE);
        await sleep(PAUSE_MS);
      }
      expect(await connections).toEqual([]);
      const events = (await lab.events()).slice(before);
      expect(events.filter(({ type }) => type === 'real-down' || type === 'check-down')).toEqual([]);
      const { overBudget, reasons } = await lab.api.stats();
      expect(overBudget).toBeGreaterThan(counted.overBudget);
      // Checks went on all the while.
      expect(reasons.check).toBeGreaterThan(counted.reasons.check ?? 0);
    });

    /** One connection after the other to the service that nobody floods; what failed of them. */
    async function connectUntil(endMs: number): Promise<string[]> {
      const failures: string[] = [];
      while (performance.now() < endMs) {
        const answer = await lab.curl(lab.url).catch((error: Error) => `failed: ${error.message}`);
        if (!/^real\d\n?$/.test(answer)) failures.push(answer);
        await sleep(PAUSE_MS);
      }
      return failures;
    }
  },
);

function floodOf({ topology }: NamespaceLab): ConstructorParameters<typeof Generator>[0] {
  const router = linkOf(topology.namespaceOf('router'), 'director');
  const director = linkOf(topology.namespaceOf('director'), HOST_INTERFACE);
  const ends = { source: ipv4('198.18.0.0'), destination: ipv4(LAB_VIP) };
  const segment = buildTcp({
    ...ends,
    sourcePort: 0,
    destinationPort: FLOODED_PORT,
    flags: TCP_FLAGS.syn,
    payload: new Uint8Array(0),
  });
  const packet = buildIpv4({ ...ends, protocol: PROTOCOL.tcp, id: 0xffff, dontFragment: true }, segment);
  const addresses = { destination: director.mac, source: router.mac };
  const frame = buildEthernet({ ...addresses, etherType: ETHERTYPE.ipv4 }, packet);
  const padded = concatBytes(frame, new Uint8Array(FRAME_BYTES - frame.length));
  return { namespace: topology.namespaceOf('router'), ifIndex: router.index, frame: padded };
}

function linkOf(namespace: string, name: string): Link {
  using socket = new NetlinkSocket(namespace);
  const link = findLink(socket, name);
  if (link === undefined) throw new RangeError(`${namespace} has no ${name}`);
  return link;
}
