// Tells when the director's machine is short of what checks need.
import { formatDuration } from '../contract/values/duration.ts';
import { describeShortage, type LocalShortage } from '../local-shortage.ts';
import type { ShortageStatus } from './control.ts';
import type { EventLog } from './event-log.ts';

interface Lack {
  readonly shortage: LocalShortage;
  readonly sinceMs: number;
  readonly checks: Set<string>;
  /** Runs once no check lacks it any more. */
  over: NodeJS.Timeout | undefined;
}

/** A shortage that comes and goes is one: it is over when no attempt has failed for it for this time. */
const QUIET_MS = 5000;

/** Reports once that attempts of checks cannot be made for want of something, and once that they can be again. */
export class ShortageWatch {
  readonly #events: EventLog;
  readonly #now: () => number;
  readonly #lacks = new Map<string, Lack>();
  readonly #lackOf = new Map<string, Lack>();
  #unmade = 0;

  /** @param now Milliseconds since 1970. */
  constructor(events: EventLog, now: () => number) {
    this.#events = events;
    this.#now = now;
  }

  /** Attempts that could not be made since the director started. */
  get unmadeAttempts(): number {
    return this.#unmade;
  }

  /** Notes an attempt; call it after each one. @param shortage undefined: the attempt could be made */
  attempted(checkKey: string, shortage: LocalShortage | undefined): void {
    const before = this.#lackOf.get(checkKey);
    if (before !== undefined && before.shortage.code !== shortage?.code) this.#ended(checkKey, before);
    if (shortage === undefined) return;
    this.#unmade++;
    const lack = this.#lacks.get(shortage.code) ?? this.#begun(shortage);
    clearTimeout(lack.over);
    lack.over = undefined;
    lack.checks.add(checkKey);
    this.#lackOf.set(checkKey, lack);
  }

  /** Forgets the checks that are not among these. */
  keepOnly(checkKeys: { has(key: string): boolean }): void {
    for (const [key, lack] of this.#lackOf) if (!checkKeys.has(key)) this.#ended(key, lack);
  }

  status(): ShortageStatus[] {
    return Array.from(this.#lacks.values(), ({ shortage, sinceMs, checks }) => ({
      ...shortage,
      since: new Date(sinceMs).toISOString(),
      checks: checks.size,
    }));
  }

  close(): void {
    for (const { over } of this.#lacks.values()) clearTimeout(over);
  }

  #begun(shortage: LocalShortage): Lack {
    const lack: Lack = { shortage, sinceMs: this.#now(), checks: new Set(), over: undefined };
    this.#lacks.set(shortage.code, lack);
    this.#events.add(
      'error',
      'check-shortage',
      `checks cannot run, and the health of their reals stays as it is: ${describeShortage(shortage)}`,
    );
    return lack;
  }

  #ended(checkKey: string, lack: Lack): void {
    lack.checks.delete(checkKey);
    this.#lackOf.delete(checkKey);
    if (lack.checks.size === 0) lack.over ??= setTimeout(() => this.#over(lack), QUIET_MS).unref();
  }

  #over({ shortage, sinceMs }: Lack): void {
    this.#lacks.delete(shortage.code);
    const lasted = formatDuration(Math.max(0, Math.round((this.#now() - sinceMs) / 1000)) * 1000);
    this.#events.add(
      'info',
      'check-shortage-over',
      `checks run again; some could not for ${lasted}: ${shortage.what} (${shortage.code})`,
    );
  }
}
