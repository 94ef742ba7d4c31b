// Reports when the director's machine is short of what checks need, and when it no longer is.
import { formatDuration } from '../../contract/values/duration.ts';
import { describeShortage, type LocalShortage } from '../../local-shortage.ts';
import type { Shortage, World } from '../world/world.ts';
import type { EventDraft } from './input.ts';

/** A shortage that comes and goes is one: it is over when no attempt has failed for it for this time. */
const QUIET_MS = 5000;

type Shortages = World['shortages'];

export interface Changed {
  readonly shortages: Shortages;
  readonly events: readonly EventDraft[];
}

/** One check more cannot be made. */
export function shortageBegun(shortages: Shortages, shortage: LocalShortage, nowMs: number): Changed {
  const before = shortages.get(shortage.code);
  const { sinceMs, checks } = before ?? { sinceMs: nowMs, checks: 0 };
  const entry: Shortage = { shortage, sinceMs, checks: checks + 1, quietSinceMs: undefined };
  const after = new Map(shortages).set(shortage.code, entry);
  if (before !== undefined) return { shortages: after, events: [] };
  const message = `checks cannot run, and the health of their reals stays as it is: ${describeShortage(shortage)}`;
  return { shortages: after, events: [{ level: 'error', type: 'check-shortage', message }] };
}

/** The check that could not be made can be, or is gone. */
export function shortageEnded(shortages: Shortages, code: string, nowMs: number): Shortages {
  const before = shortages.get(code);
  if (before === undefined) return shortages;
  const checks = before.checks - 1;
  return new Map(shortages).set(code, { ...before, checks, ...(checks === 0 && { quietSinceMs: nowMs }) });
}

/** Counts the checks that could not be made again, after another configuration has taken some away. */
export function recountShortages(shortages: Shortages, codes: readonly string[], nowMs: number): Shortages {
  const recounted = [...shortages].map(([code, one]) => {
    const checks = codes.filter((other) => other === code).length;
    const quietSinceMs = checks > 0 ? undefined : (one.quietSinceMs ?? nowMs);
    return [code, { ...one, checks, quietSinceMs }] as const;
  });
  return new Map(recounted);
}

/** Ends the shortages that have been quiet for long enough. */
export function endQuietShortages(shortages: Shortages, nowMs: number): Changed {
  const over = [...shortages.values()].filter(
    ({ quietSinceMs }) => quietSinceMs !== undefined && nowMs >= quietSinceMs + QUIET_MS,
  );
  if (over.length === 0) return { shortages, events: [] };
  const left = new Map(shortages);
  for (const { shortage } of over) left.delete(shortage.code);
  return { shortages: left, events: over.map((one) => overEvent(one, nowMs)) };
}

/** Returns when `endQuietShortages` has something to do; undefined while there is nothing to wait for. */
export function quietDueMs(shortages: Shortages): number | undefined {
  const due = [...shortages.values()].flatMap(({ quietSinceMs }) =>
    quietSinceMs === undefined ? [] : [quietSinceMs + QUIET_MS],
  );
  return due.length === 0 ? undefined : Math.min(...due);
}

function overEvent({ shortage, sinceMs }: Shortage, nowMs: number): EventDraft {
  const lasted = formatDuration(Math.max(0, Math.round((nowMs - sinceMs) / 1000)) * 1000);
  const message = `checks run again; some could not for ${lasted}: ${shortage.what} (${shortage.code})`;
  return { level: 'info', type: 'check-shortage-over', message };
}
