import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flowHash, slotOfHash } from '../../../src/forwarding/hashing/flow-hash.ts';
import { buildRing, NO_MEMBER, type RingMember, ringSize } from '../../../src/forwarding/hashing/ring.ts';
import type { Ipv4Address } from '../../../src/net/address/ipv4-address.ts';

const KEY = Uint8Array.from({ length: 16 }, (_, i) => 17 * i + 3);

const members = fc
  .uniqueArray(fc.integer({ min: 1, max: 0xffff_ffff }), { minLength: 1, maxLength: 40 })
  .chain((addresses) =>
    fc.tuple(
      ...addresses.map((address) =>
        fc.record({
          address: fc.constant(address as Ipv4Address),
          weight: fc.integer({ min: 0, max: 1000 }),
        }),
      ),
    ),
  );

function reals(count: number, weight: (i: number) => number = () => 1): RingMember[] {
  return Array.from({ length: count }, (_, i) => ({
    address: (0x0a00_0001 + 257 * i) as Ipv4Address,
    weight: weight(i),
  }));
}

function slotCounts(list: readonly RingMember[], slots: number): number[] {
  const counts = list.map(() => 0);
  for (const position of buildRing(list, slots, KEY))
    if (position !== NO_MEMBER) counts[position] = (counts[position] as number) + 1;
  return counts;
}

describe('ring size', () => {
  it.each([
    [0, 4096],
    [10, 4096],
    [11, 8192],
    [41, 32768],
    [655, 1 << 18],
    [30_000, 1 << 18],
  ])('for %i reals is %i', (count, slots) => {
    expect(ringSize(count)).toBe(slots);
  });
});

describe('ring', () => {
  it('gives each real its quota of slots to within 1 % or two slots', () => {
    fc.assert(
      fc.property(members, (list) => {
        const slots = ringSize(list.length);
        const sum = list.reduce((total, { weight }) => total + weight, 0);
        const counts = slotCounts(list, slots);
        list.forEach(({ weight }, position) => {
          const quota = sum === 0 ? 0 : (slots * weight) / sum;
          const error = Math.abs((counts[position] as number) - quota);
          expect(error).toBeLessThanOrEqual(Math.max(2, 0.01 * quota));
          expect((counts[position] as number) > 0).toBe(weight > 0);
        });
      }),
    );
  });

  it('gives a slot even to the least of weights beside the greatest', () => {
    const counts = slotCounts(
      reals(10, (i) => (i === 0 ? 65_535 : 1)),
      4096,
    );
    expect(counts.slice(1)).toEqual(Array.from({ length: 9 }, () => 1));
  });

  it('has no member in any slot when no weight is positive', () => {
    expect(
      new Set(
        buildRing(
          reals(3, () => 0),
          4096,
          KEY,
        ),
      ),
    ).toEqual(new Set([NO_MEMBER]));
    expect(new Set(buildRing([], 4096, KEY))).toEqual(new Set([NO_MEMBER]));
  });

  it('does not depend on the order of configuration', () => {
    fc.assert(
      fc.property(members, fc.infiniteStream(fc.nat()), (list, order) => {
        const shuffled = list
          .map((member) => ({ member, at: order.next().value as number }))
          .toSorted((a, b) => a.at - b.at)
          .map(({ member }) => member);
        const slots = ringSize(list.length);
        const straight = Array.from(buildRing(list, slots, KEY), (position) => list[position]?.address);
        const mixed = Array.from(buildRing(shuffled, slots, KEY), (position) => shuffled[position]?.address);
        expect(mixed).toEqual(straight);
      }),
      { numRuns: 30 },
    );
  });

  it('is another one under another key', () => {
    const one = buildRing(reals(10), 4096, KEY);
    const other = buildRing(reals(10), 4096, new Uint8Array(16));
    const same = one.filter((position, slot) => position === other[slot]).length;
    // By chance one slot in ten agrees.
    expect(same).toBeLessThan(4096 / 5);
  });

  it('spreads 100,000 flows by the weights, to within four standard deviations', () => {
    const list = reals(10, (i) => 1 + (i % 4));
    const flows = 100_000;
    const ring = buildRing(list, ringSize(list.length), KEY);
    const key = new Uint32Array(KEY.buffer);
    const counts = list.map(() => 0);
    for (let i = 0; i < flows; i++) {
      const hash = flowHash(0xcb00_7100 + (i % 250), 1024 + i / 250, key);
      const position = ring[slotOfHash(hash, ring.length)] as number;
      counts[position] = (counts[position] as number) + 1;
    }
    const sum = list.reduce((total, { weight }) => total + weight, 0);
    list.forEach(({ weight }, position) => {
      const share = weight / sum;
      const deviation = Math.sqrt(flows * share * (1 - share));
      expect(Math.abs((counts[position] as number) - flows * share)).toBeLessThan(4 * deviation);
    });
  });
});

/** Of the slots of reals that stay, the part that moves from one of them to another when the first `gone` go. */
function disruption(count: number, gone: number): number {
  const slots = ringSize(count);
  const before = buildRing(reals(count), slots, KEY);
  const after = buildRing(
    reals(count, (i) => (i < gone ? 0 : 1)),
    slots,
    KEY,
  );
  let stay = 0;
  let moved = 0;
  before.forEach((position, slot) => {
    if (position < gone) return;
    stay++;
    if (after[slot] !== position) moved++;
  });
  return moved / stay;
}

describe('disruption of the ring', () => {
  // Maglev (NSDI 2016, section 5.3, figure 12) moves about 2 % or less with this many slots to a backend.
  it.each([
    [10, 1],
    [10, 5],
    [100, 1],
    [100, 10],
  ])('of %i reals, %i gone: hardly a slot of the others moves', (count, gone) => {
    expect(disruption(count, gone)).toBeLessThan(0.025);
  });
});
