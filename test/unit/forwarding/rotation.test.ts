import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_TURNS, roundRobin, weightedRotation } from '../../../src/forwarding/image/slots/rotation.ts';

const weights = fc.array(fc.integer({ min: 0, max: 65_535 }), { maxLength: 20 });

describe('round robin', () => {
  it('goes through the reals in the order listed and leaves out weight 0', () => {
    expect(roundRobin([100, 0, 1, 7])).toEqual([0, 2, 3]);
  });
});

describe('weighted round robin', () => {
  it('gives the turns that kernel IPVS gives once it runs steadily', () => {
    const turns = weightedRotation([3, 2, 1]).map((position) => position + 1);
    expect(turns).toEqual([1, 2, 1, 3, 2, 1]);
  });

  it('needs no more turns than the weights without their common divisor', () => {
    expect(weightedRotation([100, 100, 100])).toEqual([2, 1, 0]);
    expect(weightedRotation([200, 0, 100])).toEqual([0, 2, 0]);
    expect(weightedRotation([0, 0])).toEqual([]);
    expect(weightedRotation([])).toEqual([]);
  });

  it('gives each real turns in proportion to its weight, and every weighted real one at least', () => {
    fc.assert(
      fc.property(weights, (list) => {
        const turns = weightedRotation(list);
        expect(turns.length).toBeLessThanOrEqual(MAX_TURNS);
        const sum = list.reduce((total, weight) => total + weight, 0);
        const counts = list.map(() => 0);
        for (const position of turns) counts[position] = (counts[position] as number) + 1;
        list.forEach((weight, position) => {
          const count = counts[position] as number;
          if (weight === 0) return expect(count).toBe(0);
          expect(count).toBeGreaterThanOrEqual(1);
          // Rounding moves a count by one, and the total by at most one for each real.
          const share = (turns.length * weight) / sum;
          return expect(Math.abs(count - share)).toBeLessThanOrEqual(1 + list.length * (weight / sum));
        });
      }),
    );
  });
});
