import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { FlowTable } from '../../../../src/forwarding/image/flows/flow-table.ts';
import { FLOW_BUSY } from '../../../../src/forwarding/image/tables/layout.ts';
import type { WriterTask } from './flow-writer.ts';
import { flowMemory } from './tables.ts';

const ROUNDS = 300_000;
const SETS = 8;

describe('a flow table with several writers', () => {
  it('never answers with the real of another flow and leaves every entry whole', async () => {
    // Shared memory stands for the mapped one, which is not shared between threads of one process in the tests.
    const memory = flowMemory(SETS, SharedArrayBuffer);
    const results = [1, 2, 3].map(() => new Int32Array(new SharedArrayBuffer(8)));
    await Promise.all(
      results.map(async (result, i) => {
        const workerData: WriterTask = { memory, seed: i + 1, rounds: ROUNDS, results: result };
        const worker = new Worker(new URL('./flow-writer.ts', import.meta.url), { workerData });
        const [status] = await once(worker, 'exit');
        expect(status).toBe(0);
      }),
    );
    for (const [wrong, right] of results) {
      expect(wrong).toBe(0);
      expect(right).toBeGreaterThan(0);
    }
    const table = new FlowTable(memory, Uint32Array.of(1, 2, 3, 4));
    const counts = new Map<number, number>();
    for (let at = 0; at < table.words.length; at += 2) {
      const key = table.words[at] as bigint;
      const value = table.words[at + 1] as bigint;
      expect(value).toBeGreaterThan(FLOW_BUSY);
      expect(value & 0xffffn).toBe((key >> 32n) + 1n);
      counts.set(Number(value & 0xffffn), (counts.get(Number(value & 0xffffn)) ?? 0) + 1);
    }
    for (let real = 1; real <= 4096; real++) expect(table.counts.active(real)).toBe(counts.get(real) ?? 0);
  });
});
