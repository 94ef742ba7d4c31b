// The ports of a service: one, several, or all.
import { z } from 'zod';
import type { Port } from '../../forwarding/forwarding-table.ts';
import { count, isPort, MAX_PORTS, MOST, portRange, writtenOut } from './port-list.ts';

/** A port, every port of the address (`all`), or several ports of one service; ranges are written out. */
export type WrittenPorts = Port | 'all' | readonly Port[];

const SINGLE = `a whole number from 1 to ${MOST}, or all`;
const LIST = `a list of ports and ranges, such as [80, 443, 8000-8010]`;
const ITEM = `a whole number from 1 to ${MOST}, or a range such as 8000-8010`;
const COUNT = `a list of 1 to ${MAX_PORTS} ports, each port of a range counted`;

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

/** The ports of a service; 0 alone for every port of the address. */
export function portList(written: WrittenPorts): readonly Port[] {
  if (written === 'all') return [0];
  return typeof written === 'number' ? [written] : written;
}
