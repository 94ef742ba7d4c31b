import { expect, test } from 'vitest';
import { RateLimiter } from '../../../../src/forwarding/answers/rate-limit.ts';
import type { Ipv4Address } from '../../../../src/net/address/ipv4-address.ts';

const client = (number: number): Ipv4Address => number as Ipv4Address;

function limiter(clients = 100): RateLimiter {
  return new RateLimiter({
    perClient: { burst: 3, perSecond: 2 },
    total: { burst: 10, perSecond: 5 },
    clients,
  });
}

function granted(limits: RateLimiter, requests: number, of: (request: number) => Ipv4Address): number {
  return Array.from({ length: requests }, (_, i) => limits.take(of(i), 1000)).filter(Boolean).length;
}

test('a client gets its burst, then its rate', () => {
  const limits = limiter();
  expect(granted(limits, 5, () => client(1))).toBe(3);
  expect(limits.take(client(1), 1499)).toBe(false);
  expect(limits.take(client(1), 1500)).toBe(true);
  expect(limits.take(client(1), 1501)).toBe(false);
});

test('clients do not share a budget, but all of them one sum', () => {
  const limits = limiter();
  expect(granted(limits, 3, () => client(1))).toBe(3);
  expect(granted(limits, 3, () => client(2))).toBe(3);
  expect(granted(limits, 30, (request) => client(10 + request))).toBe(4);
  expect(limits.take(client(99), 1200)).toBe(true);
});

test('a budget never grows beyond its burst', () => {
  const limits = limiter();
  limits.take(client(1), 0);
  expect(granted(limits, 9, () => client(1))).toBe(3);
});

test('a clock that steps back gives nothing', () => {
  const limits = limiter();
  granted(limits, 3, () => client(1));
  expect(limits.take(client(1), 0)).toBe(false);
});

test('asking takes nothing', () => {
  const limits = limiter();
  for (let i = 0; i < 20; i++) expect(limits.allows(client(1), 1000)).toBe(true);
  expect(granted(limits, 5, () => client(1))).toBe(3);
  expect(limits.allows(client(1), 1000)).toBe(false);
});

test('what is remembered of clients is bounded, the one silent longest goes first', () => {
  const limits = limiter(2);
  granted(limits, 3, () => client(1));
  granted(limits, 3, () => client(2));
  expect(limits.take(client(1), 1000)).toBe(false);
  expect(limits.take(client(3), 1000)).toBe(true);
  // Client 2 has been pushed out and gets a new budget; client 1 asked after it.
  expect(limits.allows(client(1), 1000)).toBe(false);
  expect(limits.allows(client(2), 1000)).toBe(true);
});
