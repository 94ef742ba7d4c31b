// Requests through the director to real servers that decapsulate by the kernel's ipip, ip6tnl, sit, GRE and GUE.
import { expect, test } from 'vitest';
import { NamespaceLab, type NamespaceLabOptions } from '../../../src/lab/namespaces/namespace-lab.ts';

/** Of one variant: some six starts of Node, for seconds each. */
const TIMEOUT_MS = 900_000;
const BIG_REQUEST_BYTES = 100_000;
const PATIENCE_MS = 120_000;

const VARIANTS: readonly (readonly [name: string, options: NamespaceLabOptions])[] = [
  ['IPv4 in IPv4 by IPIP (ipip)', {}],
  ['IPv6 in IPv6 by IPIP (ip6tnl)', { vipFamily: 6, realFamily: 6 }],
  ['IPv6 in IPv4 by IPIP (sit)', { vipFamily: 6 }],
  ['IPv4 in IPv4 by GRE with checksums', { tunnel: { type: 'gre', checksum: 'full' } }],
  ['IPv4 in IPv4 by GUE', { tunnel: { type: 'gue', checksum: 'none', port: 6080 } }],
];

test.each(VARIANTS)('%s', { timeout: TIMEOUT_MS }, async (_, options) => {
  await using lab = await NamespaceLab.open(`${process.pid}k`, {
    ...options,
    decapsulation: 'kernel',
    realCount: 1,
  });
  const states = async (): Promise<string[]> => {
    const { services } = await lab.status();
    return services.flatMap(({ reals }) => reals.map(({ health }) => health.state));
  };
  await expect.poll(states, { timeout: PATIENCE_MS }).toEqual(['up']);
  expect((await lab.curl(lab.url)).trim()).toMatch(/^real1$/);
  expect(await lab.upload(BIG_REQUEST_BYTES, PATIENCE_MS)).toMatchObject({ completed: true });
});
