import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextQuorum, type QuorumRule, type QuorumState } from '../../../../src/director/world/quorum.ts';

/** As `nextQuorum` finds them, one after the other. */
function play(weights: readonly number[], rule: QuorumRule, first?: QuorumState): QuorumState[] {
  let state = first;
  return weights.map((weight) => (state = nextQuorum(state, weight, rule)));
}

test.each<[what: string, rule: QuorumRule, weights: number[], states: string]>([
  ['one real is enough', { quorum: 1, hysteresis: 0 }, [2, 1, 0, 1], 'up up lost up'],
  ['the quorum alone', { quorum: 7, hysteresis: 0 }, [10, 7, 6, 7], 'up up lost up'],
  ['with hysteresis', { quorum: 7, hysteresis: 2 }, [10, 5, 4, 8, 9, 6], 'up up lost lost up up'],
  ['a start between the two', { quorum: 7, hysteresis: 2 }, [8, 9], 'lost up'],
  ['a start below', { quorum: 7, hysteresis: 2 }, [0, 9], 'lost up'],
])('%s', (_what, rule, weights, states) => {
  expect(play(weights, rule).join(' ')).toBe(states);
});

const rule = fc
  .tuple(fc.integer({ min: 1, max: 50 }), fc.nat(49))
  .map(([quorum, hysteresis]) => ({ quorum, hysteresis: Math.min(hysteresis, quorum - 1) }));
const state = fc.constantFrom<QuorumState | undefined>('up', 'lost', undefined);

test('it never flaps: within the hysteresis no weight changes anything', () => {
  const wide = rule.filter(({ hysteresis }) => hysteresis > 0);
  const known = fc.constantFrom<QuorumState>('up', 'lost');
  const property = fc.property(wide, known, fc.array(fc.nat(120)), (of, first, weights) => {
    const within = weights.map((weight) => of.quorum - of.hysteresis + (weight % (2 * of.hysteresis)));
    expect(play(within, of, first)).toEqual(within.map(() => first));
  });
  fc.assert(property);
});

test('each change needs more than twice the hysteresis since the last one, and the same weight again changes nothing', () => {
  const property = fc.property(rule, state, fc.array(fc.nat(120)), (of, first, weights) => {
    let [before, turnedAt] = [first, undefined as number | undefined];
    for (const weight of weights) {
      const after = nextQuorum(before, weight, of);
      expect(nextQuorum(after, weight, of)).toBe(after);
      if (before !== undefined && after !== before) {
        if (turnedAt !== undefined) expect(Math.abs(weight - turnedAt)).toBeGreaterThan(2 * of.hysteresis);
        turnedAt = weight;
      }
      before = after;
    }
  });
  fc.assert(property);
});

test('whatever it was, it is up with enough and lost with too little', () => {
  const property = fc.property(rule, state, fc.nat(120), (of, before, weight) => {
    const after = nextQuorum(before, weight, of);
    if (weight >= of.quorum + of.hysteresis) expect(after).toBe('up');
    if (weight < of.quorum - of.hysteresis || weight === 0) expect(after).toBe('lost');
  });
  fc.assert(property);
});
