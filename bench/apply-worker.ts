import { openXdpPlane } from '../src/dataplane/xdp/open-xdp.ts';
import { DEFAULT_CAPACITY } from '../src/forwarding/image/tables/memory.ts';
import { bigTable } from './big-table.ts';

/** Runs inside a namespace: applies the big table to a fresh plane, then changes one weight; times in ms as JSON. */
const plane = await openXdpPlane({
  interfaces: ['eth0'],
  instance: `bench-${process.pid}`,
  capacity: DEFAULT_CAPACITY,
  onEvent: () => undefined,
});
try {
  const table = bigTable();
  const changed = bigTable(50);
  const cold = await time(() => plane.apply(table));
  const weight: number[] = [];
  for (let round = 0; round < 20; round++) {
    weight.push(await time(() => plane.apply(oneServiceOf(round % 2 === 0 ? changed : table))));
  }
  process.stdout.write(`${JSON.stringify({ cold, weight })}\n`);

  // As the director computes it: services that did not change are the same objects.
  function oneServiceOf(other: typeof table): typeof table {
    return { ...table, services: [...other.services.slice(0, 1), ...table.services.slice(1)] };
  }
} finally {
  await plane.remove();
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}
