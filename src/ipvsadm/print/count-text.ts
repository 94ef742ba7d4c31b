// Formats counts as ipvsadm does, with units for large ones.

/** The units: a count less than `below` is divided by `divisor`. */
const UNITS = [
  { below: 1e8, divisor: 1, unit: '' },
  { below: 1e9, divisor: 1e3, unit: 'K' },
  { below: 1e11, divisor: 1e6, unit: 'M' },
  { below: 1e14, divisor: 1e9, unit: 'G' },
  { below: Number.POSITIVE_INFINITY, divisor: 1e12, unit: 'T' },
] as const;

/** A count in a column of nine, cut off to a unit when it is great and need not be exact. */
export function countText(count: number, exact: boolean): string {
  const whole = Math.floor(count);
  if (exact) return ` ${String(whole).padStart(8)}`;
  const { divisor, unit } = UNITS.find(({ below }) => whole < below) ?? UNITS[4];
  return `${Math.floor(whole / divisor)}${unit}`.padStart(9);
}
