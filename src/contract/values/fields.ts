// The kinds of values that a configuration has, each with the words for what is allowed.
import { isIP } from 'node:net';
import { z } from 'zod';
import { parseIp } from '../../net/address/ip-address.ts';
import { formatByteSize, parseByteSize } from './byte-size.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { canBeReal, isHost } from './host-address.ts';

/**
 * The values of a configuration. The message of every check says what is allowed; the reader adds what was found. For
 * unknown keys the message lists the known ones, separated by `KEY_SEPARATOR`.
 */
export const KEY_SEPARATOR = ', ';

/** A mapping with only these keys. */
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

export const yesOrNo = z.boolean('true or false');

export const interfaceName: z.ZodString = pattern(/^[^\s/:]{1,15}$/, 'the name of a network interface');

export const path = pattern(/^\/[^\0]*$/, 'an absolute path');

/** The claim of a VIP: who answers ARP and neighbour discovery for it; see `Claim`. */
export const claim = oneOf(['always', 'host', 'never']);

export const port: z.ZodInt = wholeNumber(1, 65535);
export const weight: z.ZodInt = wholeNumber(0, 65535);

/** Returns a schema of durations: milliseconds, from a text with a unit. */
export function duration(fromMs: number, toMs: number): z.ZodType<number, string> {
  const allowed = `a duration from ${formatDuration(fromMs)} to ${formatDuration(toMs)} with its unit, such as 500ms, 6s or 2m`;
  return z
    .string(allowed)
    .refine((text) => inRange(parseDuration(text), fromMs, toMs), allowed)
    .transform((text) => parseDuration(text) ?? 0);
}

/** Returns a schema of sizes: bytes, from a text with a unit; 0 is allowed in any case. */
export function byteSize(from: number, to: number): z.ZodType<number> {
  const allowed = `0, or a size from ${formatByteSize(from)} to ${formatByteSize(to)} with its unit: KiB, MiB or GiB`;
  return z
    .union([z.literal(0, allowed), z.string(allowed)], allowed)
    .refine((size) => isSize(parseByteSize(`${size}`), from, to), allowed)
    .transform((size) => parseByteSize(`${size}`) ?? 0);
}

function isSize(value: number | undefined, from: number, to: number): boolean {
  return value === 0 || inRange(value, from, to);
}

function inRange(value: number | undefined, from: number, to: number): boolean {
  return value !== undefined && value >= from && value <= to;
}

export const ADDRESS = 'an IP address such as 192.0.2.10 or 2001:db8::10';
const UNICAST =
  'an IP address of a host (not 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0 and above; not ::/96, ::ffff:0:0/96, fe80::/10, ff00::/8)';

const REAL =
  'an IP address of a host, or a loopback address for the director itself (not 0.0.0.0/8, 224.0.0.0 and above; not ::, ::ffff:0:0/96, fe80::/10, ff00::/8)';

/** An address that a host can have, and that packets can be routed to. */
export const address: z.ZodString = z
  .string(ADDRESS)
  .refine((text) => parseIp(text) !== undefined, { error: ADDRESS, abort: true })
  .refine((text) => isHost(parseIp(text)), UNICAST);

/** The address of a real: also one of the director's own. */
export const realAddress: z.ZodString = z
  .string(ADDRESS)
  .refine((text) => parseIp(text) !== undefined, { error: ADDRESS, abort: true })
  .refine((text) => canBeReal(parseIp(text)), REAL);

export const hostAddress: z.ZodString = z
  .string('an IP address')
  .refine((text) => isIP(text) !== 0, 'an IP address');

const DAY = 86_400_000;

/** A time after which a flow or a template is forgotten. */
export const timeout = duration(1000, 31 * DAY);
