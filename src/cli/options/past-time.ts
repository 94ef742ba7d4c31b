// Reads a time in the past: of the clock, of a day, or relative to now.
import { parseDuration } from '../../contract/values/duration.ts';

const DAY_MS = 86_400_000;

/**
 * Reads `2026-12-01T14:03:00Z`, `2026-12-01 14:03`, `14:03`, `10m ago` or `-10m`. Without a zone a time is the machine's own; a time of
 * the clock is the last one before now.
 * @param nowMs milliseconds since 1970
 * @returns milliseconds since 1970; undefined for another text
 */
export function parsePastTime(text: string, nowMs: number): number | undefined {
  const [, ago, minus] = /^(?:(\S+) ago|-(\S+))$/.exec(text) ?? [];
  const duration = parseDuration(ago ?? minus ?? '');
  if (duration !== undefined) return nowMs - duration;
  if (/^\d{1,2}:\d{2}(?::\d{2})?$/.test(text)) return clockTime(text, nowMs);
  // A day alone would be one of UTC, and a time without a zone one of the machine.
  if (!/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(text)) return undefined;
  const time = Date.parse(text.replace(' ', 'T'));
  return Number.isNaN(time) ? undefined : time;
}

function clockTime(text: string, nowMs: number): number | undefined {
  const [hours = 0, minutes = 0, seconds = 0] = text.split(':').map(Number);
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const today = new Date(nowMs).setHours(hours, minutes, seconds, 0);
  return today <= nowMs ? today : new Date(today - DAY_MS).setHours(hours, minutes, seconds, 0);
}
