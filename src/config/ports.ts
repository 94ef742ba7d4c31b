import { z } from 'zod';
import type { Port } from '../forwarding/table.ts';

/** One port, every port of the address, or several that are one service; ranges are written out. */
export type WrittenPorts = Port | 'all' | readonly Port[];

/** Each port of a service takes a place in the plane's table of services. */
const MAX_PORTS = 256;
const MOST = 65_535;

const SINGLE = `a whole number from 1 to ${MOST}, or all`;
const LIST = `a list of ports and ranges, such as [80, 443, 8000-8010]`;
const ITEM = `a whole number from 1 to ${MOST}, or a range such as 8000-8010`;
const COUNT = `a list of 1 to ${MAX_PORTS} ports, ranges counted out`;

export const ports: z.ZodType<WrittenPorts> = z.union([
  z.custom<Port | 'all'>((value) => value === 'all' || isPort(value), SINGLE),
  z
    .array(
      z.custom<Port | string>((value) => portRange(value) !== undefined, ITEM),
      LIST,
    )
    .refine((list) => list.length > 0 && count(list) <= MAX_PORTS, COUNT)
    .transform((list) => list.flatMap(writtenOut)),
]);

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

function portRange(value: unknown): PortRange | undefined {
  if (isPort(value)) return { from: value, to: value };
  const [, from, to] = (typeof value === 'string' && /^(\d{1,5})-(\d{1,5})$/.exec(value)) || [];
  const range = { from: Number(from), to: Number(to) };
  return isPort(range.from) && isPort(range.to) && range.from <= range.to ? range : undefined;
}

function writtenOut(value: unknown): Port[] {
  const range = portRange(value);
  if (range === undefined) return [];
  return Array.from({ length: range.to - range.from + 1 }, (_, index) => range.from + index);
}

function count(list: readonly unknown[]): number {
  return list.reduce<number>((sum, value) => {
    const range = portRange(value);
    return range === undefined ? sum : sum + range.to - range.from + 1;
  }, 0);
}

function isPort(value: unknown): value is Port {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MOST;
}
