import { setTimeout as sleep } from 'node:timers/promises';
import type { WireStats } from '../../src/contract/api/director-status.ts';
import { LAB_VIP } from '../../src/lab/lab-config.ts';
import type { NamespaceLab } from '../../src/lab/namespaces/namespace-lab.ts';
import { HOST_INTERFACE, REAL_NAMES } from '../../src/lab/namespaces/topology.ts';
import type { Verification } from '../../src/realserver/verify/verify.ts';

/** What the director and the reals have counted so far. */
export interface Books {
  /** Packets that the director sent to reals for clients, and for checks. */
  readonly forwarded: number;
  readonly checks: number;
  /** Packets that the reals took out of the tunnel. */
  readonly decapsulated: number;
  readonly atMs: number;
  /** For how long they were being read. */
  readonly readingMs: number;
}

/** A sweep and the packets under way. */
export const QUIET_MS = 3000;
/** Of one check, which may come all at once. */
const CHECK_PACKETS = 10;

export async function readBooks(lab: NamespaceLab): Promise<Books> {
  const beganMs = Date.now();
  const [stats, decapsulated] = await Promise.all([lab.api.stats(), countDecapsulated(lab)]);
  const forwarded = stats.services.reduce((sum, { packets }) => sum + packets, 0);
  return {
    forwarded,
    checks: stats.reasons.check ?? 0,
    decapsulated,
    atMs: beganMs,
    readingMs: Date.now() - beganMs,
  };
}

/**
 * While nothing happened but traffic every packet that was sent must have come out of a tunnel. Checks go on while the books
 * are read, one side after the other: those of the time that takes may be in one of them only.
 */
export function bookFaults(before: Books, after: Books): string[] {
  const checks = after.checks - before.checks;
  const sent = after.forwarded - before.forwarded + checks;
  const received = after.decapsulated - before.decapsulated;
  const readingMs = before.readingMs + after.readingMs;
  const underWay = Math.ceil((checks * readingMs) / (after.atMs - before.atMs)) + CHECK_PACKETS;
  if (Math.abs(sent - received) <= underWay) return [];
  return [`the director sent ${sent} packets, ${checks} of them checks', but the reals took ${received} out`];
}

/** Sums that must agree at any time, and counters that must not go back. */
export function sumFaults(stats: WireStats, former: WireStats | undefined): string[] {
  const faults: string[] = [];
  for (const { service, reals, ...total } of stats.services) {
    const name = `${service.protocol} ${service.vip}:${service.port}`;
    for (const counter of ['packets', 'bytes', 'connections'] as const) {
      const sum = reals.reduce((all, real) => all + real[counter], 0);
      if (sum !== total[counter]) faults.push(`${name}: ${counter} ${total[counter]}, of its reals ${sum}`);
    }
    const was = former?.services.find((other) => other.service.port === service.port);
    for (const real of reals) {
      const earlier = was?.reals.find(({ address }) => address === real.address);
      if (earlier === undefined || earlier.packets <= real.packets) continue;
      faults.push(`${name} ${real.address}: packets went back from ${earlier.packets} to ${real.packets}`);
    }
  }
  return faults;
}

/** Without traffic the flows that are listed are as many as the counters say. */
export async function flowFaults(lab: NamespaceLab): Promise<string[]> {
  await sleep(QUIET_MS);
  const { services } = await lab.api.stats();
  const counted = services
    .flatMap(({ reals }) => reals)
    .reduce((sum, real) => sum + real.activeFlows + real.inactiveFlows + real.persistentClients, 0);
  let listed = 0;
  for await (const _ of lab.api.flows({})) listed += 1;
  return counted === listed ? [] : [`${counted} flows are counted, ${listed} listed`];
}

async function countDecapsulated(lab: NamespaceLab): Promise<number> {
  const counts = await Promise.all(
    REAL_NAMES.map(async (name) => {
      const where = ['--vip', LAB_VIP, '--interface', HOST_INTERFACE, '--instance', lab.realInstance(name)];
      const said = await lab.culvert(name, 'realserver', 'verify', '--json', ...where);
      return (JSON.parse(said) as Verification).counts?.decapsulated ?? 0;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
