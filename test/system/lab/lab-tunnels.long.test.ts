// The lab in namespaces: client ── router ── director (eth0, XDP), and three reals behind the router, each decapsulating;
// once for each mix of families and kind of tunnel. Where the director is on a VLAN, its addresses are on eth0.100.
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Tunnel } from '../../../src/forwarding/forwarding-table.ts';
import { NamespaceLab, type NamespaceLabOptions } from '../../../src/lab/namespaces/namespace-lab.ts';
import { topologyObstacle } from '../../../src/lab/namespaces/topology.ts';

const obstacle = topologyObstacle();
const hasVlan = spawnSync('modprobe', ['--dry-run', '--quiet', '8021q']).status === 0;
const GUE: Tunnel = { type: 'gue', checksum: 'none', port: 6080 };

const VARIANTS: readonly (NamespaceLabOptions & { readonly name: string; readonly skip?: boolean })[] = [
  { name: 'IPv4 in IPv4 by GRE', tunnel: { type: 'gre', checksum: 'none' } },
  { name: 'IPv4 in IPv6 by IPIP', realFamily: 6 },
  { name: 'IPv6 in IPv4 by IPIP', vipFamily: 6 },
  { name: 'IPv6 in IPv6 by IPIP', vipFamily: 6, realFamily: 6 },
  { name: 'IPv4 in IPv6 by GUE with checksums', realFamily: 6, tunnel: { ...GUE, checksum: 'full' } },
  { name: 'IPv6 in IPv4 by GUE', vipFamily: 6, tunnel: GUE },
  {
    name: 'IPv6 in IPv6 by GRE with checksums',
    vipFamily: 6,
    realFamily: 6,
    tunnel: { type: 'gre', checksum: 'full' },
  },
  { name: 'IPv4 in IPv4 by IPIP, the director on a VLAN', vlan: true, skip: !hasVlan },
];
const BIG_REQUEST_BYTES = 100_000;

describe.skipIf(obstacle !== undefined)(`the lab through each tunnel (${obstacle ?? 'able'})`, () => {
  for (const { name, skip = false, ...options } of VARIANTS) {
    describe.skipIf(skip)(name, () => {
      let lab: NamespaceLab;

      beforeAll(async () => {
        lab = await NamespaceLab.open(`${process.pid}t`, options);
      });

      afterAll(() => lab?.[Symbol.asyncDispose]());

      /** The names of the reals that answer so many requests. */
      async function answers(count: number): Promise<string[]> {
        const bodies: string[] = [];
        while (bodies.length < count) bodies.push((await lab.curl(lab.url)).trim());
        return bodies;
      }

      test('every real answers requests, and passes its checks', async () => {
        await expect.poll(async () => new Set(await answers(5)).size, { interval: 10 }).toBeGreaterThan(0);
        const seen = new Set<string>();
        for (let tries = 0; seen.size < 3 && tries < 60; tries++)
          for (const real of await answers(1)) seen.add(real);
        expect([...seen].toSorted()).toEqual(['real1', 'real2', 'real3']);
        const { services } = await lab.status();
        expect(services[0]?.reals.map(({ health }) => health.state)).toEqual(['up', 'up', 'up']);
      });

      test('a large request comes through whole', async () => {
        expect(await lab.upload(BIG_REQUEST_BYTES, 10_000)).toMatchObject({ completed: true });
      });

      test('a real that fails is taken out, and comes back', async () => {
        const [, victim] = lab.reals;
        if (victim === undefined) throw new Error('no real');
        await lab.stopServer(victim);
        const isDown = async (): Promise<boolean> =>
          (await lab.events()).some(
            ({ type, message }) => type === 'real-down' && message.includes(victim.address),
          );
        await expect.poll(isDown).toBe(true);
        expect(new Set(await answers(20))).not.toContain(victim.name);
        await lab.startServer(victim);
        await expect
          .poll(async () => (await lab.status()).services[0]?.reals.map(({ health }) => health.state))
          .toEqual(['up', 'up', 'up']);
      });
    });
  }
});
