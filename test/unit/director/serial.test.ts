import { setTimeout as sleep, setImmediate as turnOfLoop } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Coalesced, Serial } from '../../../src/director/serial.ts';

test('requests of callbacks that are run one after the other share one run', async () => {
  let runs = 0;
  const coalesced = new Coalesced(new Serial(), async () => {
    runs++;
  });
  const requests = Array.from({ length: 100 }, () => turnOfLoop().then(() => coalesced.request()));
  await Promise.all(requests);
  expect(runs).toBe(1);
});

test('a request that comes during a run is followed by another one', async () => {
  const begun: number[] = [];
  let value = 0;
  const coalesced = new Coalesced(new Serial(), async () => {
    begun.push(value);
    await sleep(20);
  });
  const first = coalesced.request();
  while (begun.length === 0) await turnOfLoop();
  value = 1;
  await Promise.all([first, coalesced.request()]);
  expect(begun).toEqual([0, 1]);
});
