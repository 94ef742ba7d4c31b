import { expect, test } from 'vitest';
import { tapNameOf } from '../../../../src/dataplane/xdp/tap/tap-device.ts';

test('the TAP device is named after the instance', () => {
  expect(tapNameOf('eth0')).toBe('cv-eth0');
  expect(tapNameOf('enp129s0f1.0')).toBe('cv-enp129s0f1.0');
});

test('a longer instance gets a name of its own that the kernel takes', () => {
  const names = ['enp129s0f1np1', 'enp129s0f1np2'].map((instance) => tapNameOf(instance));
  expect(new Set(names).size).toBe(2);
  for (const name of names) expect(name).toMatch(/^cv-enp-[0-9a-f]{8}$/);
});
