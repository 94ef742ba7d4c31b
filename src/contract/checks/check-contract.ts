import { z } from 'zod';
import { runFields, user } from '../config/command-schema.ts';
import { optional } from '../option.ts';
import {
  address,
  duration,
  list,
  mapping,
  oneOf,
  path,
  pattern,
  port,
  wholeNumber,
  yesOrNo,
} from '../values/fields.ts';
import { CHECK_TYPES } from './check-options.ts';
import { DNS_QUERY_TYPES, type DnsQueryType, HTTP_VERSIONS, type StatusRange } from './probe-config.ts';
import { REGEX_OPTIONS, regexFlags } from './regex-options.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A length that fits any tunnel, whatever its MTU. */
const LONGEST_PAYLOAD_BYTES = 512;
const GREATEST_OFFSET = 2 ** 20;

/** Value of the Host header: a host name, or another text that a server accepts. */
const virtualHost = pattern(/^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/, 'a host name');
const hostName = pattern(/^[\x21-\x7e]{1,255}$/, 'a host name');

const STATUS = 'an HTTP status, a range such as 200-299, or a list of these';

/** `200`, `200-299`, or a list of both. */
const status: z.ZodType<StatusRange[]> = z
  .unknown()
  .refine((value) => parseStatus(value) !== undefined, STATUS)
  .transform((value) => parseStatus(value) ?? []);

function parseStatus(value: unknown): StatusRange[] | undefined {
  const ranges = (Array.isArray(value) ? value : [value]).map(parseRange);
  return ranges.length > 0 && ranges.every((range) => range !== undefined) ? ranges : undefined;
}

function parseRange(value: unknown): StatusRange | undefined {
  const match = /^(\d{3})(?:-(\d{3}))?$/.exec(typeof value === 'number' ? `${value}` : String(value));
  const [from, to] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  return match !== null && from >= 100 && to <= 999 && from <= to ? { from, to } : undefined;
}

const REGEX = 'a regular expression in JavaScript syntax';
const regexPattern = z.string(REGEX).refine(isRegex, REGEX);

function isRegex(text: string, flags = ''): boolean {
  try {
    void new RegExp(text, flags);
    return true;
  } catch {
    return false;
  }
}

const regexOption = z
  .string('a text')
  .refine((name) => REGEX_OPTIONS[name] !== undefined, {
    error: `one of ${Object.keys(REGEX_OPTIONS).join(', ')}`,
    abort: true,
  })
  .refine((name) => lacking(name) === undefined, {
    error: ({ input }) =>
      `other options, because JavaScript's regular expressions do not support ${lacking(String(input))}`,
  });

function lacking(name: string): string | undefined {
  const option = REGEX_OPTIONS[name];
  return typeof option === 'object' && 'lacking' in option ? option.lacking : undefined;
}

const regex = mapping({
  pattern: regexPattern,
  flags: pattern(/^(?!.*(.).*\1)[imsu]*$/, 'some of the letters i, m, s and u').optional(),
  options: list(regexOption, "a list of keepalived's regex_options").optional(),
  mustNotMatch: yesOrNo.optional(),
  minOffset: wholeNumber(0, GREATEST_OFFSET).optional(),
  maxOffset: wholeNumber(0, GREATEST_OFFSET).optional(),
})
  // A pattern that is wrong without flags is already reported.
  .refine(
    ({ pattern: text, flags = '', options = [] }) =>
      !isRegex(text) || isRegex(text, regexFlags(flags, options)),
    { path: ['pattern'], error: `${REGEX}, with these flags` },
  )
  .refine(({ minOffset = 0, maxOffset = minOffset }) => minOffset <= maxOffset, {
    path: ['minOffset'],
    error: 'an offset that is not above maxOffset',
  });

const url = mapping({
  path: pattern(/^\/[\x21-\x7e]*$/, 'a path that begins with / and contains no spaces').optional(),
  virtualHost: virtualHost.optional(),
  status: status.optional(),
  digest: pattern(
    /^([0-9a-fA-F]{32}|[0-9a-fA-F]{64})$/,
    'an MD5 digest (32 hexadecimal digits) or a SHA-256 digest (64), in quotes',
  ).optional(),
  regex: z.union([regexPattern, regex]).optional(),
});

const HEX = 'bytes of two hexadecimal digits each, in quotes';
const REPLY = `any, or ${HEX}, with x for any digit`;
const NAME = 'a domain name';

const checkOptions = mapping({
  type: oneOf(CHECK_TYPES).optional(),
  interval: duration(10, DAY).optional(),
  timeout: duration(1, HOUR).optional(),
  retries: wholeNumber(0, 1000).optional(),
  retryDelay: duration(0, DAY).optional(),
  warmup: duration(0, DAY).optional(),
  alpha: yesOrNo.optional(),
  logAllFailures: yesOrNo.optional(),
  via: oneOf(['tunnel', 'direct']).optional(),
  port: port.optional(),
  address: address.optional(),
  bind: mapping({
    address: address.optional(),
    port: port.optional(),
    interface: pattern(/^[^\s/:]{1,15}$/, 'the name of a network interface').optional(),
  }).optional(),
  mark: wholeNumber(0, 2 ** 32 - 1).optional(),
  urls: list(url, 'a list of urls, each with its path').min(1, 'a list of at least one url').optional(),
  rotate: yesOrNo.optional(),
  fastRecovery: yesOrNo.optional(),
  httpVersion: oneOf(HTTP_VERSIONS).optional(),
  virtualHost: virtualHost.optional(),
  sni: z.union([z.literal(true, 'true for the virtual host'), hostName]).optional(),
  tlsVerify: yesOrNo.optional(),
  tlsCaFile: path.optional(),
  helo: hostName.optional(),
  queryType: oneOf(Object.keys(DNS_QUERY_TYPES) as DnsQueryType[]).optional(),
  queryName: z.string(NAME).refine(isDomainName, NAME).optional(),
  payload: hex(/^([0-9a-f]{2})*$/i, HEX).optional(),
  reply: hex(/^(any|([0-9a-fx]{2})+)$/i, REPLY).optional(),
  minReplyLength: wholeNumber(0, 65535).optional(),
  maxReplyLength: wholeNumber(0, 65535).optional(),
  ...runFields,
  user: user.optional(),
  dynamic: yesOrNo.optional(),
  file: path.optional(),
  weight: wholeNumber(1 - 2 ** 31, 2 ** 31 - 1).optional(),
  reverse: yesOrNo.optional(),
  neighbor: address.optional(),
  source: address.optional(),
  minTx: bfdInterval(1).optional(),
  minRx: bfdInterval(1).optional(),
  idleTx: bfdInterval(1000).optional(),
  multiplier: wholeNumber(1, 255).optional(),
  passive: yesOrNo.optional(),
  multihop: yesOrNo.optional(),
  ttl: wholeNumber(1, 255).optional(),
  maxHops: wholeNumber(0, 255).optional(),
}).refine(({ minReplyLength = 0, maxReplyLength = minReplyLength }) => minReplyLength <= maxReplyLength, {
  path: ['minReplyLength'],
  error: 'a length that is not above maxReplyLength',
});

const CHECKS = 'a list of checks, all of which must pass';

const checkSchema = z.union([oneOf(['none', ...CHECK_TYPES]), checkOptions]);
const checkInListSchema = z.union([oneOf(CHECK_TYPES), checkOptions]);

/** The keys `check` and `checks`, for every level that may have them. */
export const checkKeys = {
  check: optional(checkSchema, { defaultText: 'see below', description: 'the health check' }),
  checks: optional(list(checkInListSchema, CHECKS).min(1, CHECKS), {
    defaultText: 'see below',
    description: 'several health checks, instead of `check`',
  }),
};

export type WrittenCheck = z.output<typeof checkSchema>;
export type WrittenCheckInList = z.output<typeof checkInListSchema>;
export type WrittenCheckOptions = z.output<typeof checkOptions>;
export type WrittenUrl = z.output<typeof url>;
export type WrittenRegex = z.output<typeof regex>;

/** The wire has microseconds in 32 bits: 71 minutes. */
function bfdInterval(fromMs: number): z.ZodType<number> {
  return duration(fromMs, 4_294_967);
}

/** Blanks between the bytes are for the reader only. */
function hex(expression: RegExp, allowed: string): z.ZodType<string> {
  return z
    .string(allowed)
    .refine((text) => expression.test(bare(text)), allowed)
    .refine(
      (text) => bare(text).length <= 2 * LONGEST_PAYLOAD_BYTES,
      `at most ${LONGEST_PAYLOAD_BYTES} bytes`,
    )
    .transform(bare);
}

function bare(text: string): string {
  return text.replaceAll(/\s/g, '').toLowerCase();
}

function isDomainName(text: string): boolean {
  const labels = text.replace(/\.$/, '').split('.');
  const isGood = labels.every((label) => /^[\x21-\x2d\x2f-\x7e]{1,63}$/.test(label));
  return text === '.' || (isGood && text.length <= 253);
}
