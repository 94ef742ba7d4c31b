// client 198.51.100.2 ── router ── 10.0.0.2 director (XDP on eth0), which has no route to 10.99.0.9
//                          └────── 10.0.1.2 real, which takes nothing apart: what comes to it is captured
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SchedulerName } from '../../../src/forwarding/forwarding-table.ts';
import { runInNamespace } from '../../../src/linux/namespaces/netns.ts';
import { ipv4 } from '../../../src/net/address/ipv4-address.ts';
import { ICMP_CODE, ICMP_TYPE, parseIcmp } from '../../../src/net/headers/icmp.ts';
import { PROTOCOL } from '../../../src/net/headers/ipv4.ts';
import { PlaneFixture } from '../xdp-plane/fixture.ts';
import { REAL, receive, tcp, VIP } from '../xdp-plane/packets.ts';
import { able, SERVICE, TABLE } from '../xdp-plane/table.ts';

const LOST = ipv4('10.99.0.9');
const SCHEDULERS: readonly SchedulerName[] = ['mh', 'rr', 'wrr', 'wlc', 'sh', 'fo'];
let nextPort = 20_000;

describe.skipIf(!able)('reals without a way (needs root and build/bpf/director.bpf.o)', () => {
  let fixture: PlaneFixture;

  beforeAll(async () => {
    fixture = await PlaneFixture.build();
    const director = fixture.network.namespace('director');
    await runInNamespace(director, ['ip', 'route', 'add', 'unreachable', '10.99.0.0/24']);
  });

  beforeEach(() => fixture.forgetCaptured());

  afterAll(async () => {
    await fixture?.[Symbol.asyncDispose]();
  });

  async function apply(scheduler: SchedulerName, ...addresses: readonly (typeof LOST)[]): Promise<void> {
    const reals = addresses.map((address) => ({ address, weight: 1, serving: true }));
    await fixture.plane.apply({ ...TABLE, services: [{ ...SERVICE, scheduler, reals }] });
  }

  test.each(SCHEDULERS)(
    '%s: the only real is out of reach: host unreachable from the VIP',
    async (scheduler) => {
      await apply(scheduler, LOST);
      const syn = tcp(nextPort++);
      fixture.client.send(syn, VIP);
      const [error] = await receive(fixture.atClient, { protocol: PROTOCOL.icmp });
      expect(error?.header.source).toBe(VIP);
      expect(parseIcmp(error?.packet ?? new Uint8Array(0), 20)).toMatchObject({
        type: ICMP_TYPE.destinationUnreachable,
        code: ICMP_CODE.hostUnreachable,
      });
      expect((await fixture.plane.counters()).reasons['no-way']).toBeGreaterThan(0);
    },
  );

  test.each(SCHEDULERS)('%s: new flows pass over it while another real has a way', async (scheduler) => {
    await apply(scheduler, LOST, REAL);
    await fixture.plane.counters();
    fixture.forgetCaptured();
    const ports = Array.from({ length: 20 }, () => nextPort++);
    for (const port of ports) fixture.client.send(tcp(port), VIP);
    expect(await receive(fixture.atReal, { protocol: PROTOCOL.ipip, count: 20 })).toHaveLength(20);
  });

  test('a neighbour that does not answer is no way either, and the counters say which real has none', async () => {
    const SILENT = ipv4('10.0.0.77');
    await apply('wlc', SILENT, REAL);
    const lost = async (): Promise<unknown> =>
      (await fixture.plane.counters()).services[0]?.reals
        .filter(({ noWay }) => noWay === true)
        .map(({ address }) => address);
    await expect
      .poll(async () => {
        fixture.client.send(tcp(nextPort++), VIP);
        return lost();
      })
      .toEqual([SILENT]);
    fixture.forgetCaptured();
    const ports = Array.from({ length: 20 }, () => nextPort++);
    for (const port of ports) fixture.client.send(tcp(port), VIP);
    // One of those that were sent before may come late.
    const received = await receive(fixture.atReal, { protocol: PROTOCOL.ipip, count: 20 });
    expect(received.length).toBeGreaterThanOrEqual(20);
  });

  test('it is a choice again as soon as there is a route, and its event says so', async () => {
    const director = fixture.network.namespace('director');
    await apply('fo', LOST);
    await expect
      .poll(() => fixture.plane.events, { timeout: 10_000 })
      .toContainEqual(
        expect.objectContaining({ type: 'next-hop', real: LOST, resolved: false, detail: 'no route' }),
      );
    await runInNamespace(director, ['ip', 'route', 'del', 'unreachable', '10.99.0.0/24']);
    await expect
      .poll(
        async () => {
          fixture.client.send(tcp(nextPort++), VIP);
          return (await fixture.plane.counters()).services[0]?.packets ?? 0;
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(0);
  });
});
