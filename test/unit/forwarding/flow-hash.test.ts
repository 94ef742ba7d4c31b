import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flowHash, foldIpv6, slotOfHash } from '../../../src/forwarding/hashing/flow-hash.ts';
import type { Ipv6Address } from '../../../src/net/address/ipv6-address.ts';

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const port = fc.integer({ min: 0, max: 0xffff });

/** The definition, with 64-bit integers. */
function reference(client: number, clientPort: number, key: readonly bigint[]): number {
  const [k0, k1, k2, k3] = key as [bigint, bigint, bigint, bigint];
  const ports = BigInt(((clientPort << 16) | clientPort) >>> 0);
  const first = (BigInt(client) ^ k0) * (ports ^ k1);
  const second = ((first & 0xffff_ffffn) ^ k2) * ((first >> 32n) ^ k3);
  return Number((second & 0xffff_ffffn) ^ (second >> 32n));
}

/** The same of an address: its four words as little-endian memory has them. */
function foldReference(address: bigint, key: readonly bigint[]): number {
  const [k0, k1, k2, k3] = key as [bigint, bigint, bigint, bigint];
  const mask = 0xffff_ffffn;
  const words = [96n, 64n, 32n, 0n].map((shift) => {
    const big = (address >> shift) & mask;
    return ((big & 0xffn) << 24n) | ((big & 0xff00n) << 8n) | ((big >> 8n) & 0xff00n) | (big >> 24n);
  });
  const [a, b, c, d] = words as [bigint, bigint, bigint, bigint];
  const sum = ((a + k0) & mask) * ((b + k1) & mask) + ((c + k2) & mask) * ((d + k3) & mask);
  const product = ((sum & mask) ^ k1) * (((sum >> 32n) & mask) ^ k2);
  return Number((product & mask) ^ (product >> 32n));
}

describe('the word of an IPv6 client', () => {
  const address = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });

  it('is the sum of products that it is defined as', () => {
    fc.assert(
      fc.property(address, fc.tuple(word, word, word, word), (client, key) => {
        expect(foldIpv6(client as Ipv6Address, Uint32Array.from(key))).toBe(
          foldReference(client, key.map(BigInt)),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('tells neighbours, hosts of one network and networks of one host apart', () => {
    const key = Uint32Array.of(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344);
    const base = 0x2001_0db8_0000_0000_0000_0000_0000_0001n;
    const words = new Set<number>();
    for (let i = 1n; i <= 20_000n; i++) {
      for (const client of [base + i, base + (i << 64n), base + (i << 40n) + (i << 100n)]) {
        words.add(foldIpv6(client as Ipv6Address, key));
      }
    }
    // 60,000 random words collide less than once on average.
    expect(words.size).toBeGreaterThan(60_000 - 5);
  });
});

describe('flow hash', () => {
  it('is the product of 64 bits that it is defined as', () => {
    fc.assert(
      fc.property(word, port, fc.tuple(word, word, word, word), (client, clientPort, key) => {
        expect(flowHash(client, clientPort, Uint32Array.from(key))).toBe(
          reference(client, clientPort, key.map(BigInt)),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('carries through every half of the product', () => {
    const ones = Uint32Array.of(0, 0, 0, 0);
    expect(flowHash(0xffff_ffff, 0xffff, ones)).toBe(reference(0xffff_ffff, 0xffff, [0n, 0n, 0n, 0n]));
  });

  it('takes the slot from the top bits, so that a ring of twice the size splits each slot', () => {
    fc.assert(
      fc.property(word, fc.integer({ min: 0, max: 17 }), (hash, bits) => {
        const slot = slotOfHash(hash, 1 << bits);
        expect(slot).toBe(Math.floor(hash / 2 ** (32 - bits)));
        expect(slotOfHash(hash, 2 << bits) >> 1).toBe(slot);
      }),
    );
  });

  it('spreads clients and ports that follow each other over slots and over sets of flows', () => {
    const key = Uint32Array.of(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344);
    const cells = 4096;
    const perCell = 100;
    const bySlot = new Uint32Array(cells);
    const bySet = new Uint32Array(cells);
    for (let i = 0; i < cells * perCell; i++) {
      const hash = flowHash(0xc6336400 + (i >> 10), 32768 + (i & 1023), key);
      const slot = slotOfHash(hash, cells);
      bySlot[slot] = (bySlot[slot] as number) + 1;
      bySet[hash & (cells - 1)] = (bySet[hash & (cells - 1)] as number) + 1;
    }
    // Chi-square with 4095 degrees of freedom: standard deviation sqrt(2 * 4095) = 90.5; four of them.
    for (const counts of [bySlot, bySet]) {
      const chiSquare = counts.reduce((sum, count) => sum + (count - perCell) ** 2 / perCell, 0);
      expect(Math.abs(chiSquare - (cells - 1))).toBeLessThan(4 * 90.5);
    }
  });
});
