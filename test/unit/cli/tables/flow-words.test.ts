// Numbers of flows where not every flow is remembered.
import { expect, test } from 'vitest';
import { completionText, flowCountText, flowSumText } from '../../../../src/cli/tables/flow-words.ts';

const KNOWN = { activeKnown: true, completeAt: null };
const STABLE = { activeKnown: false, completeAt: null };
const DRAINED = { activeKnown: false, completeAt: '2026-01-02T03:16:05.000Z' };

function flows(activeFlows: number, known: typeof DRAINED | typeof STABLE): object {
  return { activeFlows, inactiveFlows: 0, ...known };
}

function sum(...reals: object[]): string | number {
  return flowSumText(reals as never, 'activeFlows');
}

test('a number that may be larger says so, and one that nobody knows is none', () => {
  expect([0, 3].map((count) => flowCountText(count, KNOWN))).toEqual([0, 3]);
  expect([0, 3].map((count) => flowCountText(count, DRAINED))).toEqual(['≥0', '≥3']);
  expect([0, 3].map((count) => flowCountText(count, STABLE))).toEqual(['-', '≥3']);
});

test('a sum is as sure as its parts', () => {
  expect(sum(flows(1, KNOWN), flows(2, KNOWN))).toBe(3);
  expect(sum(flows(1, KNOWN), flows(2, DRAINED))).toBe('≥3');
  expect(sum(flows(0, STABLE), flows(0, STABLE))).toBe('-');
  expect(sum(flows(0, STABLE), flows(0, DRAINED))).toBe('≥0');
});

test('when it is exact', () => {
  const nowMs = Date.parse('2026-01-02T03:04:05Z');
  expect(completionText(DRAINED, nowMs)).toBe('complete in 12m');
  expect(completionText(STABLE, nowMs)).toBeUndefined();
});
