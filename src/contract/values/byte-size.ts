// Sizes in text, with their unit.
const UNIT_BYTES: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** Bytes of `512KiB`, `64MiB`, `2GiB` or `0`; undefined when it is no such text. */
export function parseByteSize(text: string): number | undefined {
  if (text === '0') return 0;
  const [, number, unit = ''] = /^(\d{1,9})(KiB|MiB|GiB)$/.exec(text) ?? [];
  const bytes = UNIT_BYTES[unit];
  return bytes === undefined ? undefined : Number(number) * bytes;
}

/** The shortest of these texts; what is no whole number of KiB is rounded up. */
export function formatByteSize(bytes: number): string {
  if (bytes === 0) return '0';
  const unit = ['GiB', 'MiB'].find((name) => bytes % (UNIT_BYTES[name] ?? 1) === 0) ?? 'KiB';
  return `${Math.ceil(bytes / (UNIT_BYTES[unit] ?? 1))}${unit}`;
}
