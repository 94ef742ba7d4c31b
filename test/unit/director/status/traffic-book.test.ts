import { expect, test } from 'vitest';
import type { ServiceCounters } from '../../../../src/dataplane/data-plane.ts';
import { TrafficBook } from '../../../../src/director/status/traffic-book.ts';
import { REAL, WEB } from '../machine.ts';

const NOTHING = { connections: 0, packets: 0, bytes: 0 };

function counters(packets: number): ServiceCounters[] {
  const traffic = { connections: 0, packets, bytes: 100 * packets };
  const flows = {
    activeFlows: 0,
    inactiveFlows: 0,
    persistentClients: 0,
    flowsKnown: true,
    flowsKnownInMs: undefined,
  };
  return [
    { key: WEB, ...traffic, slots: 0, trackedSlots: 0, reals: [{ address: REAL, ...traffic, ...flows }] },
  ];
}

/** A book that was shown these counts, two seconds between them. */
function bookOf(...packets: readonly number[]): TrafficBook {
  const book = new TrafficBook();
  packets.forEach((count, index) => book.sample(counters(count), 2000 * index));
  return book;
}

function accountOf(book: TrafficBook, packets: number): ReturnType<TrafficBook['accounts']> {
  return book.accounts(WEB, REAL, { connections: 0, packets, bytes: 100 * packets });
}

// ip_vs_est.c: each two seconds a quarter of the difference to the new rate.
test('a rate comes near what is steady, and fades', () => {
  expect(accountOf(bookOf(1000), 1000).perSecond).toEqual(NOTHING);
  expect(accountOf(bookOf(1000, 1800), 1800).perSecond).toEqual({
    connections: 0,
    packets: 100,
    bytes: 10_000,
  });
  expect(accountOf(bookOf(1000, 1800, 2600), 2600).perSecond.packets).toBe(175);
  expect(accountOf(bookOf(1000, 1800, 1800), 1800).perSecond.packets).toBe(75);
});

test('before anything is zeroed all counts', () => {
  expect(accountOf(new TrafficBook(), 7).sinceZero).toEqual({ connections: 0, packets: 7, bytes: 700 });
  expect(accountOf(bookOf(5, 7), 7).sinceZero.packets).toBe(7);
});

test('zeroing begins counts and rates anew', () => {
  const book = bookOf(1000, 1800);
  book.zero(counters(1900));
  expect(accountOf(book, 1900)).toEqual({ sinceZero: NOTHING, perSecond: NOTHING });
  book.sample(counters(1910), 4000);
  expect(accountOf(book, 1920).sinceZero.packets).toBe(20);
  expect(accountOf(book, 1920).perSecond.packets).toBe(1.25);
});

test('a real that was away counts from nothing', () => {
  const book = bookOf(1000, 1800);
  book.zero(counters(1800));
  book.sample([], 4000);
  book.sample(counters(3), 6000);
  expect(accountOf(book, 3)).toEqual({
    sinceZero: { connections: 0, packets: 3, bytes: 300 },
    perSecond: NOTHING,
  });
  expect(accountOf(bookOf(1000, 3), 3).perSecond.packets).toBe(0.375);
});
