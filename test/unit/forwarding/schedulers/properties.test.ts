import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SCHEDULER_NAMES } from '../../../../src/forwarding/scheduler-names.ts';
import { addressesFrom, real, realsOf, request, schedule, schedulerOf, turns } from './reals.ts';

const someReals = fc
  .array(
    fc.record({
      weight: fc.oneof(fc.constantFrom(0, 1, 100), fc.integer({ min: 0, max: 65_535 })),
      active: fc.integer({ min: 0, max: 1000 }),
      inactive: fc.integer({ min: 0, max: 1000 }),
      overloaded: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((list) => list.map((fields, i) => real(i + 1, fields)));
/** Several lists in a row, as changes make them. */
const changing = fc.array(someReals, { minLength: 1, maxLength: 4 });

describe.each(SCHEDULER_NAMES)('%s', (name) => {
  const clients = addressesFrom('198.51.100.0', 8);

  it('never chooses a real of weight 0 or a full one, whatever changes', () => {
    fc.assert(
      fc.property(
        changing,
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (lists, dice) => {
          const by = schedulerOf(name, ...(name === 'sh' ? (['sh-fallback'] as const) : []));
          const random = (): number => dice.next().value as number;
          for (const reals of lists) {
            for (const client of clients) {
              const chosen = schedule(by, reals, request({ client, random }));
              if (chosen) expect(chosen.weight > 0 && !chosen.overloaded).toBe(true);
            }
          }
        },
      ),
      { numRuns: name === 'mh' ? 20 : 200 },
    );
  });

  // dh refuses where its own one is not to be had, and ovf when all are above their weights.
  if (name === 'dh' || name === 'ovf') return;
  it('refuses only when no real may be chosen', () => {
    fc.assert(
      fc.property(someReals, (reals) => {
        const by = schedulerOf(name, ...(name === 'sh' ? (['sh-fallback'] as const) : []));
        const able = reals.some(({ weight, overloaded }) => weight > 0 && !overloaded);
        expect(schedule(by, reals, request()) !== undefined).toBe(able);
      }),
      { numRuns: name === 'mh' ? 20 : 200 },
    );
  });
});

describe.each(['wrr', 'wlc', 'sed', 'twos'] as const)('%s', (name) => {
  it('gives flows in proportion to the weights', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 6 }), (weights) => {
        const reals = realsOf(...weights);
        const by = schedulerOf(name);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        let seed = 1;
        const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
        for (let flow = 0; flow < 20 * total; flow++) schedule(by, reals, request({ random }));
        const tolerance = name === 'twos' ? 4 : 1;
        for (const { active, weight } of reals)
          expect(Math.abs(active - 20 * weight)).toBeLessThanOrEqual(tolerance + weight / 4);
      }),
      { numRuns: 50 },
    );
  });
});

describe('rr', () => {
  it('gives every real one turn in as many flows as there are reals', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.nat(100), (count, before) => {
        const by = schedulerOf('rr');
        const reals = realsOf(...Array.from({ length: count }, () => 5));
        turns(by, reals, before);
        expect(new Set(turns(by, reals, count)).size).toBe(count);
      }),
    );
  });
});
