// Durations in text, with their unit.
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `500ms`, `6s`, `1.5s`, `2m` or `1h`; undefined when it is no such text. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text);
  const unit = UNIT_MS[match?.[2] ?? ''];
  return unit === undefined ? undefined : Math.round(Number(match?.[1]) * unit);
}

/** The shortest of these texts: 6000 is `6s`, 1500 is `1500ms`. */
export function formatDuration(milliseconds: number): string {
  const unit = ['h', 'm', 's'].find((name) => milliseconds > 0 && milliseconds % (UNIT_MS[name] ?? 1) === 0);
  return unit === undefined ? `${milliseconds}ms` : `${milliseconds / (UNIT_MS[unit] ?? 1)}${unit}`;
}
