import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ringSize } from '../../../../src/forwarding/hashing/ring.ts';
import { previewReal } from '../../../../src/forwarding/image/choice/select-real.ts';
import { ForwardingImage } from '../../../../src/forwarding/image/forwarding-image.ts';
import { allocateImageMemory } from '../../../../src/forwarding/image/tables/memory.ts';
import type { IpAddress } from '../../../../src/net/address/ip-address.ts';
import { ipv4 } from '../../../../src/net/address/ipv4-address.ts';
import { quickOrLong } from '../../../long.ts';
import { service, table, VIP } from './tables.ts';
import { CAPACITY, initialReals, SYN, steps, World, type WorldOptions } from './world.ts';

/** What a director that starts now, with the same table, would choose for a thousand new flows. */
function choices(image: ForwardingImage, protocol: 'tcp' | 'udp'): (IpAddress | undefined)[] {
  const entry = image.findService(VIP, 80, protocol);
  if (!entry) throw new Error('the service is gone');
  return Array.from({ length: 1000 }, (_, i) => {
    const packet = {
      client: ipv4('203.0.113.7'),
      clientPort: 2000 + i,
      tcpFlags: protocol === 'tcp' ? SYN : undefined,
    };
    return image.real(previewReal(image, entry, packet).real)?.address;
  });
}

describe.each(['tcp', 'udp'] as const)('an mh service over %s', (protocol) => {
  it('never moves a flow of a serving real, and becomes stateless again', () => {
    fc.assert(
      fc.property(steps, initialReals, (sequence, reals) => {
        const world = new World({ scheduler: 'mh', protocol, reals });
        for (const step of sequence) world.step(step);
        world.settle();
        expect(world.image.trackedSlots(world.entry)).toBe(0);
        expect(world.entry.slotCount).toBe(ringSize(world.reals.length));
        const fresh = new ForwardingImage(allocateImageMemory(CAPACITY));
        fresh.apply(table([service({ protocol, reals: world.reals })]), 1);
        expect(choices(world.image, protocol)).toEqual(choices(fresh, protocol));
      }),
      { numRuns: quickOrLong(15, 40) },
    );
  });
});

describe.each(['rr', 'wrr'] as const)('a %s service', (scheduler) => {
  it.each(['tcp', 'udp'] as const)('never moves a %s flow of a serving real', (protocol) => {
    fc.assert(
      fc.property(steps, initialReals, (sequence, reals) => {
        const world = new World({ scheduler, protocol, reals });
        for (const step of sequence) world.step(step);
      }),
      { numRuns: quickOrLong(5, 12) },
    );
  });
});

describe.each([
  { scheduler: 'wlc' },
  { scheduler: 'lblcr', family: 6 },
  { scheduler: 'mh', persistence: { timeoutMs: 10_000, prefixLength: 32 }, clients: 13 },
  { scheduler: 'rr', persistence: { timeoutMs: 10_000, prefixLength: 64 }, clients: 13, family: 6 },
  { scheduler: 'rr', expireNodestConn: false },
  { scheduler: 'sed', expireNodestConn: false, family: 6 },
] as const satisfies Partial<WorldOptions>[])("a service whose flows are the slow path's: %j", (options) => {
  it.each(['tcp', 'udp'] as const)(
    'never moves a %s flow of a serving real, and counts right',
    (protocol) => {
      fc.assert(
        fc.property(steps, initialReals, (sequence, reals) => {
          const world = new World({ ...options, protocol, reals });
          for (const step of sequence) world.step(step);
          world.expectTrueCounts();
        }),
        { numRuns: quickOrLong(5, 10) },
      );
    },
  );
});
