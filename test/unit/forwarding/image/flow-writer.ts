import { isMainThread, workerData } from 'node:worker_threads';
import { FlowTable } from '../../../../src/forwarding/image/flows/flow-table.ts';
import { FLOW_STATE } from '../../../../src/forwarding/image/tables/layout.ts';
import type { FlowMemory } from './tables.ts';

/** What a worker is given; it leaves how many answers were wrong and how many flows it found in `results`. */
export interface WriterTask {
  readonly memory: FlowMemory;
  readonly seed: number;
  readonly rounds: number;
  readonly results: Int32Array;
}

/** Remembers and looks up random flows; the real of each follows from its key, so that a wrong answer shows. */
function hammer({ memory, seed, rounds, results }: WriterTask): void {
  const table = new FlowTable(memory, Uint32Array.of(1, 2, 3, 4));
  let random = seed;
  for (let round = 0; round < rounds; round++) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    const number = random >>> 20;
    const flow = table.keyOf({ client: number, clientPort: number, serviceIndex: 1 + (number % 3) });
    const hit = table.find(flow);
    if (hit) {
      Atomics.add(results, hit.real === 1 + number ? 1 : 0, 1);
      table.touch(hit, FLOW_STATE.established, round);
    } else {
      table.insert(flow, { real: 1 + number, state: FLOW_STATE.established, nowTick: round });
    }
  }
}

if (!isMainThread && workerData) hammer(workerData as WriterTask);
