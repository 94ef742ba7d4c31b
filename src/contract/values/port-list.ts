// Ports and ranges of ports, before they are validated.
import type { Port } from '../../forwarding/forwarding-table.ts';

/** Each port of a service takes a place in the plane's table of services. */
export const MAX_PORTS = 256;
export const MOST = 65_535;

/** The ports that an unchecked value names, 0 for all; empty where it is not understood. */
export function portsOf(value: unknown): readonly Port[] {
  if (value === 'all') return [0];
  if (isPort(value)) return [value];
  return Array.isArray(value) && count(value) <= MAX_PORTS ? value.flatMap(writtenOut) : [];
}

interface PortRange {
  readonly from: Port;
  readonly to: Port;
}

export function portRange(value: unknown): PortRange | undefined {
  if (isPort(value)) return { from: value, to: value };
  const [, from, to] = (typeof value === 'string' && /^(\d{1,5})-(\d{1,5})$/.exec(value)) || [];
  const range = { from: Number(from), to: Number(to) };
  return isPort(range.from) && isPort(range.to) && range.from <= range.to ? range : undefined;
}

export function writtenOut(value: unknown): Port[] {
  const range = portRange(value);
  if (range === undefined) return [];
  return Array.from({ length: range.to - range.from + 1 }, (_, index) => range.from + index);
}

export function count(list: readonly unknown[]): number {
  return list.reduce<number>((sum, value) => {
    const range = portRange(value);
    return range === undefined ? sum : sum + range.to - range.from + 1;
  }, 0);
}

export function isPort(value: unknown): value is Port {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MOST;
}
