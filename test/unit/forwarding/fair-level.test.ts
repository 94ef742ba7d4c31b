import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fairLevel } from '../../../src/forwarding/fair-level.ts';

test.each([
  [[], 3000, 3000],
  [[10, 20], 3000, 3000],
  [[10, 5000], 3000, 2990],
  [[5000, 5000], 3000, 1500],
  [[100, 2000, 9000], 3000, 1450],
  [Array.from({ length: 5000 }, () => 9), 3000, 1],
] as const)('%j of %i', (asked, budget, level) => {
  expect(fairLevel(asked, budget)).toBe(level);
});

test('nobody who asks for less than the level is refused, and all together stay within the budget', () => {
  const amounts = fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(amounts, fc.integer({ min: 50, max: 5000 }), (asked, budget) => {
      const level = fairLevel(asked, budget);
      const given = asked.map((amount) => Math.min(amount, level)).reduce((sum, amount) => sum + amount, 0);
      const wanted = asked.reduce((sum, amount) => sum + amount, 0);
      expect(given).toBeLessThanOrEqual(budget);
      expect(given).toBeGreaterThan(Math.min(wanted, budget) - asked.length);
    }),
  );
});
