import { expect, test } from 'vitest';
import { parsePastTime } from '../../../../src/cli/options/past-time.ts';

const NOW = new Date(2026, 11, 1, 15, 30, 20).getTime();
const MINUTE = 60_000;

test.each([
  ['10m ago', NOW - 10 * MINUTE],
  ['-10m', NOW - 10 * MINUTE],
  ['1.5s ago', NOW - 1500],
  ['14:03', new Date(2026, 11, 1, 14, 3).getTime()],
  ['14:03:07', new Date(2026, 11, 1, 14, 3, 7).getTime()],
  ['15:31', new Date(2026, 10, 30, 15, 31).getTime()],
  ['2026-11-30 09:05', new Date(2026, 10, 30, 9, 5).getTime()],
  ['2026-12-01T14:03:00Z', Date.parse('2026-12-01T14:03:00Z')],
  ['2026-12-01T14:03:00.250+01:00', Date.parse('2026-12-01T13:03:00.250Z')],
])('%s is a time', (text, expected) => {
  expect(parsePastTime(text, NOW)).toBe(expected);
});

test.each([
  '',
  'now',
  '10',
  '10m',
  '10m later',
  '24:00',
  '14:60',
  '2026-12-01',
  '2026-13-01T14:03Z',
  '-',
  '1403',
])('%j is none', (text) => {
  expect(parsePastTime(text, NOW)).toBeUndefined();
});
