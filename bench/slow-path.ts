import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../src/api/client/client.ts';
import { LAB_PORT, LAB_VIP } from '../src/lab/lab-config.ts';
import { NamespaceLab } from '../src/lab/namespaces/namespace-lab.ts';
import { HOST_INTERFACE } from '../src/lab/namespaces/topology.ts';
import { findLink, type Link } from '../src/linux/netlink/devices/link.ts';
import { NetlinkSocket } from '../src/linux/netlink/socket.ts';
import { ipv4 } from '../src/net/address/ipv4-address.ts';
import { buildEthernet, ETHERTYPE } from '../src/net/headers/ethernet.ts';
import { buildIpv4, PROTOCOL } from '../src/net/headers/ipv4.ts';
import { buildTcp, TCP_FLAGS } from '../src/net/headers/tcp.ts';
import { Generator } from './generated-traffic.ts';
import { type Sample, summarize } from './statistics.ts';

export interface SlowPathResult {
  /** Oversize packets per second that were answered, or dropped because that or an answer was over its budget. */
  readonly decidedPerSecond: Sample;
  readonly sentPerSecond: Sample;
  /** Packets of health checks per second: without and with the flood. */
  readonly checksWithout: Sample;
  readonly checksWith: Sample;
  /** Reals that a check took out meanwhile. */
  readonly realsLost: number;
}

const SEGMENT_BYTES = 1480;
const FLOOD_MS = 3000;
/** The generator keeps the thread busy so long; other work gets its turn in between. */
const FRAMES_AT_ONCE = 20_000;

/*
 * client ── router ── director, reals (src/lab/namespaces/topology.ts). The router floods the director with packets that
 * no tunnel can carry, as fast as one core can, while the daemon goes on checking its reals.
 */
export async function benchSlowPath(rounds: number): Promise<SlowPathResult> {
  await using lab = await NamespaceLab.open(`slow${process.pid}`);
  using generator = new Generator(floodOf(lab));
  const samples = {
    decided: [] as number[],
    sent: [] as number[],
    without: [] as number[],
    with: [] as number[],
  };
  for (let round = 0; round < rounds; round++) {
    samples.without.push((await observe(lab.api, () => sleep(FLOOD_MS))).checks);
    let sent = 0;
    const flood = await observe(lab.api, async () => {
      const endMs = performance.now() + FLOOD_MS;
      for (; performance.now() < endMs; sent += FRAMES_AT_ONCE) {
        generator.send(FRAMES_AT_ONCE);
        await sleep(0);
      }
    });
    samples.sent.push((1000 * sent) / FLOOD_MS);
    samples.decided.push(flood.decided);
    samples.with.push(flood.checks);
  }
  return {
    decidedPerSecond: summarize(samples.decided),
    sentPerSecond: summarize(samples.sent),
    checksWithout: summarize(samples.without),
    checksWith: summarize(samples.with),
    realsLost: (await lab.events()).filter(({ type }) => type === 'real-down').length,
  };
}

/** Per second, while something else happens. */
async function observe(
  api: ApiClient,
  meanwhile: () => Promise<void>,
): Promise<{ readonly decided: number; readonly checks: number }> {
  const count = async (): Promise<{ decided: number; checks: number; atMs: number }> => {
    const { reasons, overBudget } = await api.stats();
    const decided = (reasons['too-big'] ?? 0) + (reasons['too-big-quiet'] ?? 0) + overBudget;
    return { decided, checks: reasons.check ?? 0, atMs: performance.now() };
  };
  const before = await count();
  await meanwhile();
  const after = await count();
  const perSecond = 1000 / (after.atMs - before.atMs);
  return {
    decided: (after.decided - before.decided) * perSecond,
    checks: (after.checks - before.checks) * perSecond,
  };
}

function floodOf({ topology }: NamespaceLab): ConstructorParameters<typeof Generator>[0] {
  const router = linkOf(topology.namespaceOf('router'), 'director');
  const director = linkOf(topology.namespaceOf('director'), HOST_INTERFACE);
  const addresses = { source: ipv4(topology.addressOf('client')), destination: ipv4(LAB_VIP) };
  const ports = { sourcePort: 0, destinationPort: LAB_PORT };
  const payload = new Uint8Array(SEGMENT_BYTES - 20);
  const segment = buildTcp({ ...addresses, ...ports, flags: TCP_FLAGS.ack, payload });
  const packet = buildIpv4({ ...addresses, protocol: PROTOCOL.tcp, dontFragment: true }, segment);
  const frame = buildEthernet(
    { destination: director.mac, source: router.mac, etherType: ETHERTYPE.ipv4 },
    packet,
  );
  return { namespace: topology.namespaceOf('router'), ifIndex: router.index, frame };
}

function linkOf(namespace: string, name: string): Link {
  using socket = new NetlinkSocket(namespace);
  const link = findLink(socket, name);
  if (link === undefined) throw new RangeError(`${namespace} has no ${name}`);
  return link;
}
