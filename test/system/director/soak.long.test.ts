import { describe, expect, test } from 'vitest';
import { topologyObstacle } from '../../../src/lab/namespaces/topology.ts';
import { soak } from '../../soak/soak.ts';

const obstacle = topologyObstacle();
const FOR_MS = 40_000;

describe.skipIf(obstacle !== undefined)(`a short soak${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  test('breaks no connection to a real that serves, and every sum adds up', async () => {
    const seed = Date.now() % 2 ** 31;
    const happened: string[] = [];
    const outcome = await soak({ forMs: FOR_MS, seed, say: (line) => happened.push(line) });
    expect(outcome.faults, `seed ${seed}: ${happened.join('; ')}`).toEqual([]);
    expect(outcome.requests).toBeGreaterThan(0);
    expect(outcome.upheavals).toBeGreaterThan(0);
  });
});
