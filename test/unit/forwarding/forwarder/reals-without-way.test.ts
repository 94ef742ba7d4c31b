import { expect, test } from 'vitest';
import { decide } from '../../../../src/forwarding/forwarder.ts';
import { TICK_MS } from '../../../../src/forwarding/image/tables/layout.ts';
import { withoutLost } from '../../../../src/forwarding/reals-without-way.ts';
import { SCHEDULER_NAMES } from '../../../../src/forwarding/scheduler-names.ts';
import { imageOf, NOW_MS, REALS, STANDARD_TABLE, standardState } from './fixture.ts';
import { ipv6Image, REALS_6 } from './ipv6.ts';
import { icmpError, outer, tcp } from './packets.ts';
import { tcp6 } from './packets6.ts';

const [A, B, C] = REALS;
const [service] = STANDARD_TABLE.services;

test.each(SCHEDULER_NAMES)(
  '%s: new flows pass over a real without a way, and go on where they are',
  (scheduler) => {
    if (service === undefined) throw new Error('no service');
    const reals = service.reals.map((real) => ({ ...real, weight: 100 }));
    const table = { ...STANDARD_TABLE, services: [{ ...service, scheduler, reals }] };
    const state = standardState(imageOf(table));
    const realOf = (sourcePort: number, flags?: number) => {
      const decision = decide(tcp(80, { sourcePort, ...(flags !== undefined && { flags }) }), state, NOW_MS);
      return decision.verdict === 'forward' ? state.image.real(decision.real)?.address : undefined;
    };
    const before = realOf(1000);
    if (before === undefined) throw new Error('not forwarded');
    realOf(1000, 16);
    state.image.apply(withoutLost(table, new Set([before])), NOW_MS / TICK_MS);
    for (let port = 2000; port < 2060; port++)
      expect([A, B, C].filter((each) => each !== before)).toContain(realOf(port));
    expect(realOf(1000, 16)).toBe(before);
  },
);

test('while none has a way nothing is passed over, and clients hear host unreachable', () => {
  expect(withoutLost(STANDARD_TABLE, new Set(REALS))).toEqual(STANDARD_TABLE);
  expect(withoutLost(STANDARD_TABLE, new Set())).toBe(STANDARD_TABLE);
  const state = standardState();
  state.lostReals.add(A);
  expect(decide(tcp(81), state, NOW_MS)).toMatchObject({
    verdict: 'answer',
    packet: icmpError({ type: 3, code: 1 }, tcp(81)),
    reason: 'no-way',
  });
  expect(decide(tcp(81, { sourcePort: 7 }), state, NOW_MS)).toMatchObject({
    packets: [outer(tcp(81, { sourcePort: 7 }), B)],
  });
});

test('IPv6 clients hear address unreachable', () => {
  const state = standardState(ipv6Image());
  state.lostReals.add(REALS_6[0]);
  const decision = decide(tcp6(81), state, NOW_MS);
  expect(decision).toMatchObject({ verdict: 'answer', reason: 'no-way' });
  expect(decision.verdict === 'answer' && decision.packet.subarray(40, 42)).toEqual(Uint8Array.of(1, 3));
});
