// The built fast path and the TypeScript forwarder get the same random packets and tables: see test/fuzz/differential.ts.
import { describe, expect, test } from 'vitest';
import { runDifferential, SMALL_CAPACITY } from '../../fuzz/differential.ts';
import { LoadedDirector, whyNotLoadable } from '../../fuzz/loaded-director.ts';
import { quickOrLong } from '../../long.ts';

const PACKETS = quickOrLong(60_000, 120_000);
const seed = Number(process.env.CULVERT_SEED ?? Date.now() % 2 ** 31);
const missing = whyNotLoadable();

describe.skipIf(missing !== undefined)(
  `the fast path beside the forwarder (${missing ?? 'loadable'})`,
  () => {
    test('agrees on random packets, tables and changes', () => {
      console.info(`random packets: CULVERT_SEED=${seed}`);
      using director = new LoadedDirector(SMALL_CAPACITY);
      const summary = runDifferential(director, seed, PACKETS);
      console.info(JSON.stringify(summary));
      expect(summary.packets).toBeGreaterThanOrEqual(PACKETS);
      expect(summary.sent).toBeGreaterThan(0.1 * PACKETS);
      expect(summary.handedOver).toBeGreaterThan(0.3 * PACKETS);
      expect(summary.passed).toBeGreaterThan(0.02 * PACKETS);
    });
  },
);
