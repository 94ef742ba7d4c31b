// What --rate and -Z come to, of a director that counts.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { RealIndex } from '../../../src/forwarding/decision.ts';
import { AdmDirector } from './director.ts';

const FILE = '[{vip: 192.0.2.10, port: 80, check: none, reals: [{address: 10.0.3.2}]}]';
const BYTES = 100;
const LIMIT_MS = 30_000;

function count({ plane: { image } }: AdmDirector, packets: number): void {
  const [real] = image.reals();
  for (let n = 0; n < packets; n++) image.countForwarded(real?.index as RealIndex, BYTES, false);
}

/** The numbers behind the real's name. */
async function numbersOf(director: AdmDirector, list: string): Promise<number[]> {
  const { stdout = '' } = await director.ipvsadm(['-Ln', list, '--exact']);
  const line = stdout.split('\n').find((row) => row.startsWith('  -> 10.0.3.2:80'));
  return (line ?? '').slice(33).trim().split(/\s+/).map(Number);
}

test('rates are what was counted, in seconds', { timeout: LIMIT_MS + 10_000 }, async () => {
  await using director = await AdmDirector.start(FILE);
  expect(await numbersOf(director, '--rate')).toEqual([0, 0, 0, 0, 0]);
  const deadline = performance.now() + LIMIT_MS;
  let packets = 0;
  let bytes = 0;
  while (packets === 0 && performance.now() < deadline) {
    count(director, 100);
    await sleep(100);
    [, packets = 0, , bytes = 0] = await numbersOf(director, '--rate');
  }
  // A quarter of a thousand, or less on a slow machine.
  expect(packets).toBeGreaterThan(0);
  expect(packets).toBeLessThan(260);
  expect(Math.abs(bytes - packets * BYTES)).toBeLessThanOrEqual(BYTES);
});

test('zeroing is for ipvsadm alone: what others read only grows', async () => {
  await using director = await AdmDirector.start(FILE);
  count(director, 7);
  expect(await numbersOf(director, '--stats')).toEqual([0, 7, 0, 700, 0]);
  expect(await director.ipvsadm(['-Z', '-t', '192.0.2.10:80'])).toEqual({ status: 0 });
  expect(await numbersOf(director, '--stats')).toEqual([0, 0, 0, 0, 0]);
  count(director, 2);
  expect(await numbersOf(director, '--stats')).toEqual([0, 2, 0, 200, 0]);
  expect((await director.client.stats()).services[0]).toMatchObject({
    packets: 9,
    sinceZero: { packets: 2 },
  });
});
