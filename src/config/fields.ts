import { isIP } from 'node:net';
import { z } from 'zod';
import { parseIpv4 } from '../net/ipv4-address.ts';
import { formatDuration, parseDuration } from './duration.ts';

/**
 * The values of a configuration. The message of every check is what is allowed, for the reader completes it with what
 * was found; but of unknown keys it is the known ones, `KEY_SEPARATOR` between them.
 */
export const KEY_SEPARATOR = ', ';

/** A mapping that has no other keys than these. */
export function mapping<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  const keys = Object.keys(shape).join(KEY_SEPARATOR);
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? keys : `a mapping with ${keys}`),
  });
}

export function list<Item extends z.ZodType>(item: Item, allowed: string): z.ZodArray<Item> {
  return z.array(item, allowed);
}

export function wholeNumber(from: number, to: number): z.ZodInt {
  const allowed = `a whole number from ${from} to ${to}`;
  return z.int(allowed).min(from, allowed).max(to, allowed);
}

export function oneOf<const Values extends readonly string[]>(
  values: Values,
): z.ZodEnum<z.core.util.ToEnum<Values[number]>> {
  return z.enum(values, values.length === 1 ? `${values[0]}` : `one of ${values.join(', ')}`);
}

export function pattern(expression: RegExp, allowed: string): z.ZodString {
  return z.string(allowed).regex(expression, allowed);
}

export const port: z.ZodInt = wholeNumber(1, 65535);
export const weight: z.ZodInt = wholeNumber(0, 65535);

/** In milliseconds, from a text with a unit. */
export function duration(fromMs: number, toMs: number): z.ZodType<number> {
  const allowed = `a duration from ${formatDuration(fromMs)} to ${formatDuration(toMs)} with its unit, such as 500ms, 6s or 2m`;
  return z
    .string(allowed)
    .refine((text) => inRange(parseDuration(text), fromMs, toMs), allowed)
    .transform((text) => parseDuration(text) ?? 0);
}

function inRange(value: number | undefined, from: number, to: number): boolean {
  return value !== undefined && value >= from && value <= to;
}

const ADDRESS = 'an IPv4 address such as 192.0.2.10';

/** An address that a host can have. IPv6 passes: whether it may stand here is for `contradictions.ts` to say. */
export const address: z.ZodString = z
  .string(ADDRESS)
  .refine((text) => isIP(text) === 6 || parseIpv4(text) !== undefined, { error: ADDRESS, abort: true })
  .refine(isUnicast, 'an IPv4 address of a host (not 0.0.0.0/8, 127.0.0.0/8 or 224.0.0.0 and above)');

function isUnicast(text: string): boolean {
  const first = Number(text.split('.')[0]);
  return isIP(text) === 6 || (first !== 0 && first !== 127 && first < 224);
}

export const hostAddress: z.ZodString = z
  .string('an IP address')
  .refine((text) => isIP(text) !== 0, 'an IP address');

const LISTEN = /^(?:(\d+\.\d+\.\d+\.\d+)|\[([0-9a-fA-F:.]+)\]):(\d{1,5})$/;

/** `127.0.0.1:8080` or `'[::1]:8080'`. */
export const listen: z.ZodType<{ address: string; port: number }> = z
  .string('an address and a port, such as 127.0.0.1:8080')
  .refine((text) => parseListen(text) !== undefined, 'an address and a port, such as 127.0.0.1:8080')
  .transform((text) => parseListen(text) ?? { address: '', port: 0 });

function parseListen(text: string): { address: string; port: number } | undefined {
  const match = LISTEN.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const number = Number(match?.[3]);
  return isIP(host) !== 0 && number >= 1 && number <= 65535 ? { address: host, port: number } : undefined;
}
