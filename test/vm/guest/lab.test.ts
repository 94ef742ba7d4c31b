// The whole lab: its real servers decapsulate by the kernel's ipip.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { LabOutcome } from '../../../src/lab/lab-options.ts';

/** Some thirty starts of Node, for seconds each. */
const TIMEOUT_MS = 900_000;
const CULVERT = fileURLToPath(new URL('../../../culvert', import.meta.url));

test('the lab ends as expected with decapsulation by the kernel', { timeout: TIMEOUT_MS }, async () => {
  const options = ['--for', '60s', '--json', '--plane', 'xdp', '--decapsulation', 'kernel'];
  const { stdout } = await promisify(execFile)(CULVERT, ['lab', ...options]);
  const { plane, outcome, expectations } = JSON.parse(stdout) as LabOutcome;
  expect(plane).toMatch(/^xdp, native mode/);
  expect(expectations.filter(({ met }) => !met)).toEqual([]);
  expect(outcome).toBe('as expected');
});
