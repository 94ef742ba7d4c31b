import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DataPlane, PlaneEvent } from '../../../../src/dataplane/data-plane.ts';
import { EventLoop, settle } from '../../../../src/dataplane/simulated/network/event-loop.ts';
import {
  LAB,
  labTopology,
  type Topology,
} from '../../../../src/dataplane/simulated/network/simulated-topology.ts';
import { openSimulatedPlane } from '../../../../src/dataplane/simulated/open-simulated.ts';
import { requestHttp } from '../../../../src/dataplane/simulated/transport/simulated-http-client.ts';
import type { BlackholePolicy } from '../../../../src/forwarding/forwarding-table.ts';
import { type CapturedFigures, findFigures } from '../../../../src/lab/mtu-figures.ts';
import { PROTOCOL, parseIpv4Header } from '../../../../src/net/headers/ipv4.ts';
import { labTable } from './lab-table.ts';

const UPLOAD_BYTES = 100_000;

let loop: EventLoop;
let topology: Topology;
let plane: DataPlane;
const events: PlaneEvent[] = [];

async function open(policy: BlackholePolicy['policy']): Promise<void> {
  events.length = 0;
  loop = new EventLoop();
  topology = labTopology(loop);
  const capacity = { slots: 1 << 12, flows: 1 << 10 };
  plane = await openSimulatedPlane({ topology, capacity, onEvent: (event) => events.push(event) });
  await plane.apply(labTable({ blackhole: { policy, after: 2 } }));
}

function clamp(mss: number): void {
  for (const real of topology.reals) real.clampMss = mss;
}

interface Upload extends CapturedFigures {
  readonly completed: boolean;
  readonly durationMs: number;
  /** Outer fragments that the director sent. */
  readonly fragments: number;
}

async function upload(timeoutMs: number): Promise<Upload> {
  const capture = topology.capture();
  const target = { destination: LAB.vip, port: 80, uploadBytes: UPLOAD_BYTES, timeoutMs };
  const result = await settle(loop, requestHttp(topology.client, target), timeoutMs + 1000);
  const packets = capture.stop();
  const fragments = packets.filter(({ point, packet }) => {
    const header = parseIpv4Header(packet);
    if (typeof header === 'string') throw new Error(header);
    const isFragment = header.moreFragments || header.fragmentOffsetBytes > 0;
    return point === 'director' && header.protocol === PROTOCOL.ipip && isFragment;
  });
  return {
    ...findFigures(packets, LAB.vip),
    completed: result.ok,
    durationMs: result.durationMs,
    fragments: fragments.length,
  };
}

describe('blackhole: refuse, the classic behaviour', () => {
  beforeEach(() => open('refuse'));
  afterEach(() => plane.close());

  test('1460 bytes of data, ICMP 3/4 with MTU 1480, then 1440 bytes: 1500 with the outer header', async () => {
    const figures = await upload(5000);
    expect(figures).toMatchObject({
      completed: true,
      firstDataBytes: 1460,
      icmpMtuAtClient: 1480,
      usualDataBytes: 1440,
      largestOuterBytes: 1500,
      synAckMss: 1460,
      fragments: 0,
    });
    expect(figures.durationMs).toBeLessThan(100);
    expect(topology.client.ip.pathMtu(LAB.vip)).toBe(1480);
    const { reasons } = await plane.counters();
    expect(reasons['too-big']).toBeGreaterThan(0);
  });

  test('with that ICMP filtered and no clamp the upload hangs', async () => {
    topology.router.filtersIcmpErrors = true;
    const figures = await upload(30_000);
    expect(figures).toMatchObject({ completed: false, firstDataBytes: 1460, fragments: 0 });
    expect(figures.icmpSent).toBeGreaterThan(0);
    expect(figures.icmpMtuAtClient).toBeUndefined();
    expect(figures.usualDataBytes).toBe(1460);
    expect(topology.router.filtered).toBe(figures.icmpSent);
    expect(topology.reals.reduce((sum, real) => sum + real.requests, 0)).toBe(0);
  });

  test('the clamp at 1400: 1440 bytes come to the director and 1460 leave it, and no ICMP is involved', async () => {
    topology.router.filtersIcmpErrors = true;
    clamp(1400);
    expect(await upload(5000)).toMatchObject({
      completed: true,
      synAckMss: 1400,
      firstDataBytes: 1400,
      largestInnerBytes: 1440,
      largestOuterBytes: 1460,
      icmpSent: 0,
      fragments: 0,
    });
  });

  test('the clamp at what the tunnel leaves, 1440: the outer packets fill the link', async () => {
    topology.router.filtersIcmpErrors = true;
    clamp(1440);
    expect(await upload(5000)).toMatchObject({
      completed: true,
      largestInnerBytes: 1480,
      largestOuterBytes: 1500,
      icmpSent: 0,
    });
  });
});

describe('blackhole: cure', () => {
  beforeEach(() => open('cure'));
  afterEach(() => plane.close());

  test('with ICMP filtered and no clamp the upload completes in outer fragments, counted and named once', async () => {
    topology.router.filtersIcmpErrors = true;
    const figures = await upload(30_000);
    expect(figures).toMatchObject({ completed: true, usualDataBytes: 1460, largestInnerBytes: 1500 });
    expect(figures.fragments).toBeGreaterThan(60);
    expect(figures.icmpMtuAtClient).toBeUndefined();
    const { reasons } = await plane.counters();
    expect(reasons['blackhole-cured']).toBe(figures.fragments / 2);
    expect(events).toMatchObject([
      { type: 'blackhole-cured', service: { vip: LAB.vip, protocol: 'tcp', port: 80 }, client: LAB.client },
    ]);
  });

  test('a client that ICMP reaches is not taken for one that it does not', async () => {
    expect(await upload(5000)).toMatchObject({ completed: true, usualDataBytes: 1440, fragments: 0 });
    expect(events).toStrictEqual([]);
  });
});
