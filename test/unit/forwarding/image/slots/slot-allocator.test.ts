import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SlotAllocator } from '../../../../../src/forwarding/image/slots/slot-allocator.ts';
import { REUSE_DELAY_TICKS } from '../../../../../src/forwarding/image/tables/layout.ts';

describe('slot allocator', () => {
  it('gives whole lines, and a released range only after the delay', () => {
    const allocator = new SlotAllocator(64);
    expect(allocator.allocate(17, 0)).toBe(0);
    expect(allocator.allocate(32, 0)).toBe(32);
    expect(allocator.allocate(1, 0)).toBeUndefined();
    allocator.release(0, 17, 100);
    expect(allocator.allocate(32, 100 + REUSE_DELAY_TICKS - 1)).toBeUndefined();
    expect(allocator.allocate(32, 100 + REUSE_DELAY_TICKS)).toBe(0);
  });

  it('leaves reserved ranges alone', () => {
    const allocator = new SlotAllocator(80);
    allocator.reserve(16, 20);
    expect(allocator.allocate(32, 0)).toBe(48);
    expect(allocator.allocate(16, 0)).toBe(0);
    expect(allocator.allocate(1, 0)).toBeUndefined();
  });

  it('gives back at once what was never used', () => {
    const allocator = new SlotAllocator(32);
    expect(allocator.allocate(32, 0)).toBe(0);
    allocator.cancel(0, 32);
    expect(allocator.allocate(32, 0)).toBe(0);
  });

  it('never gives out a slot twice, and all of them again in the end', () => {
    const steps = fc.array(fc.record({ take: fc.boolean(), count: fc.integer({ min: 1, max: 100 }) }));
    fc.assert(
      fc.property(steps, (sequence) => {
        const total = 1024;
        const allocator = new SlotAllocator(total);
        const owner = new Uint8Array(total);
        const held: { first: number; count: number }[] = [];
        let tick = 0;
        for (const { take, count } of sequence) {
          tick += 7;
          const first = take ? allocator.allocate(count, tick) : undefined;
          if (first !== undefined) {
            expect(owner.subarray(first, first + count).every((used) => used === 0)).toBe(true);
            owner.fill(1, first, first + count);
            held.push({ first, count });
          }
          const back = take ? undefined : held.splice(count % (held.length + 1), 1)[0];
          if (!back) continue;
          allocator.release(back.first, back.count, tick);
          owner.fill(0, back.first, back.first + back.count);
        }
        for (const { first, count } of held) allocator.release(first, count, tick);
        expect(allocator.allocate(total, tick + REUSE_DELAY_TICKS)).toBe(0);
      }),
    );
  });
});
