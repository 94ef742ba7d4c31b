// The contract of a health check as it is written.
import { z } from 'zod';
import { runFields, user } from '../config/command-schema.ts';
import { option, optional } from '../option.ts';
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
  const known = REGEX_OPTIONS[name];
  return typeof known === 'object' && 'lacking' in known ? known.lacking : undefined;
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

/** The options of a URL of an HTTP check. */
export const urlShape = {
  path: option(pattern(/^\/[\x21-\x7e]*$/, 'a path that begins with / and contains no spaces'), {
    default: '/',
    description: 'with its query',
  }),
  virtualHost: optional(virtualHost, { defaultText: 'that of the check', description: 'the Host header' }),
  status: option(status, {
    default: [{ from: 200, to: 299 }],
    defaultText: '`200-299`',
    description: 'a number, a range, or a list of these',
  }),
  digest: optional(
    pattern(
      /^([0-9a-fA-F]{32}|[0-9a-fA-F]{64})$/,
      'an MD5 digest (32 hexadecimal digits) or a SHA-256 digest (64), in quotes',
    ),
    { defaultText: 'none', description: 'MD5 or SHA-256 of the body' },
  ),
  regex: optional(z.union([regexPattern, regex]), {
    defaultText: 'none',
    description: 'a JavaScript pattern, or `{pattern, flags, options, mustNotMatch, minOffset, maxOffset}`',
  }),
};

const url = mapping(urlShape);

const HEX = 'bytes of two hexadecimal digits each, in quotes';
const REPLY = `any, or ${HEX}, with x for any digit`;
const NAME = 'a domain name';

/** The options of a check, whatever its type. */
export const checkShape = {
  type: option(oneOf(CHECK_TYPES), { default: 'tcp', description: 'what an attempt does: see below' }),
  interval: option(duration(10, DAY), {
    default: 6000,
    defaultText: '`6s`',
    description:
      '10ms to 24h: time between attempts while the real is up without failures, and while it is down',
  }),
  timeout: option(duration(1, HOUR), {
    default: 3000,
    defaultText: '`3s`',
    description: '1ms to 1h: time limit of an attempt',
  }),
  retries: option(wholeNumber(0, 1000), {
    default: 3,
    description: '0 to 1000: attempts after a failed one; when all of them fail too, the real is down',
  }),
  retryDelay: option(duration(0, DAY), {
    default: 3000,
    defaultText: '`3s`',
    description: '0ms to 24h: time from a failed attempt to the next',
  }),
  warmup: optional(duration(0, DAY), {
    defaultText: 'the interval',
    description: '0ms to 24h: the first attempts of all checks are spread over this time',
  }),
  alpha: option(yesOrNo, {
    default: false,
    description: '`true`: the real is down until an attempt has passed; see below',
  }),
  logAllFailures: option(yesOrNo, {
    default: false,
    description: '`true`: each failed attempt is an event (`check-failed`), not only a real that goes down',
  }),
  via: option(oneOf(['tunnel', 'direct']), {
    default: 'tunnel',
    description:
      "`tunnel`: to the VIP at that real, through the tunnel; `direct`: to the real's own address; see below",
  }),
  port: optional(port, { defaultText: 'that of the service', description: '1 to 65535' }),
  address: optional(address, {
    defaultText: 'that of the real',
    description: 'with `via: direct`: another address to connect to',
  }),
  bind: optional(
    mapping({
      address: address.optional(),
      port: port.optional(),
      interface: pattern(/^[^\s/:]{1,15}$/, 'the name of a network interface').optional(),
    }),
    {
      defaultText: 'chosen by routing',
      description:
        'with `via: direct`: the source, any of `{address, port, interface}`; the address must be of the family that is checked',
    },
  ),
  mark: optional(wholeNumber(0, 2 ** 32 - 1), {
    defaultText: 'none',
    description: 'with `via: direct`: the firewall mark of its packets, 0 to 4294967295',
  }),
  urls: optional(list(url, 'a list of urls, each with its path').min(1, 'a list of at least one url'), {
    defaultText: '`[{path: /}]`',
    description: 'the URLs to fetch: see below',
  }),
  rotate: option(yesOrNo, {
    default: false,
    description: '`true`: one URL for each attempt, in turn, as in keepalived',
  }),
  fastRecovery: option(yesOrNo, {
    default: false,
    description:
      '`true`, with `rotate`: the URLs of a real that is down are fetched without waiting for the interval',
  }),
  httpVersion: option(oneOf(HTTP_VERSIONS), {
    default: '1.1',
    defaultText: '`"1.1"`',
    description: 'or `"1.0"`, or `1.0C` (1.0 with `Connection: close`)',
  }),
  virtualHost: optional(virtualHost, { defaultText: 'the address', description: 'the Host header' }),
  sni: optional(z.union([z.literal(true, 'true for the virtual host'), hostName]), {
    defaultText: 'none',
    description: 'of `https`: a name; `true`: the virtual host',
  }),
  tlsVerify: option(yesOrNo, { default: false, description: 'of `https`: verify the certificate' }),
  tlsCaFile: optional(path, {
    defaultText: 'none',
    description: 'of `https`: the authority, an absolute path',
  }),
  helo: optional(hostName, {
    defaultText: 'the name of the machine',
    description: 'of `smtp`: the name that HELO says',
  }),
  queryType: option(oneOf(Object.keys(DNS_QUERY_TYPES) as DnsQueryType[]), {
    default: 'SOA',
    description: 'of `dns`: the type of the record that is asked for',
  }),
  queryName: optional(z.string(NAME).refine(isDomainName, NAME), {
    defaultText: '`.`',
    description: 'of `dns`: the name that is asked for',
  }),
  payload: optional(hex(/^([0-9a-f]{2})*$/i, HEX), {
    defaultText: '32 random bytes',
    description: 'of `udp`: what is sent, in hexadecimal',
  }),
  reply: optional(hex(/^(any|([0-9a-fx]{2})+)$/i, REPLY), {
    defaultText: 'none',
    description: 'of `udp`: the answer, in hexadecimal with `x` for any digit, or `any`',
  }),
  minReplyLength: option(wholeNumber(0, 65535), {
    default: 0,
    description: 'of `udp`: the answer has at least so many bytes',
  }),
  maxReplyLength: option(wholeNumber(0, 65535), {
    default: 65535,
    description: 'of `udp`: the answer has at most so many bytes',
  }),
  command: optional(runFields.command, {
    defaultText: 'required',
    description: 'of `misc`: the program and its arguments; or `shell`',
  }),
  shell: optional(runFields.shell, {
    defaultText: 'required',
    description: 'of `misc`: a line for `/bin/sh -c`; or `command`',
  }),
  user: optional(user, {
    defaultText: 'that of the director',
    description: 'of `misc`: whom the command runs as, `NAME` or `NAME:GROUP`',
  }),
  dynamic: option(yesOrNo, {
    default: false,
    description: 'of `misc`: a status N above 1 sets the weight to N - 2',
  }),
  file: optional(path, {
    defaultText: 'required',
    description: 'of `file`: the file with the number, an absolute path',
  }),
  weight: option(wholeNumber(1 - 2 ** 31, 2 ** 31 - 1), {
    default: 0,
    description: 'of `file`: what the number is multiplied by',
  }),
  reverse: option(yesOrNo, { default: false, description: 'of `file`: invert the number' }),
  neighbor: optional(address, {
    defaultText: "the real's address",
    description: 'another address for the other end of the session',
  }),
  source: optional(address, { defaultText: 'chosen by routing', description: 'an address of the director' }),
  minTx: option(bfdInterval(1), {
    default: 300,
    defaultText: '`300ms`',
    description: '1ms to 71m: the shortest interval at which it wants to send while the session is up',
  }),
  minRx: option(bfdInterval(1), {
    default: 300,
    defaultText: '`300ms`',
    description: '1ms to 71m: the shortest interval at which it wants to receive while the session is up',
  }),
  idleTx: option(bfdInterval(1000), {
    default: 1000,
    defaultText: '`1s`',
    description: '1s to 71m: the interval at which it sends while the session is not up',
  }),
  multiplier: option(wholeNumber(1, 255), {
    default: 3,
    description: '1 to 255: the number of its packets that the peer may miss in a row',
  }),
  passive: option(yesOrNo, { default: false, description: '`true`: sends nothing before the peer does' }),
  multihop: option(yesOrNo, {
    default: false,
    description: '`true`: UDP port 4784 (RFC 5883) instead of 3784 (RFC 5881)',
  }),
  ttl: option(wholeNumber(1, 255), {
    default: 255,
    description:
      "1 to 255: TTL or hop limit of packets sent, and assumed for those of the peer (BIRD's multihop: 64)",
  }),
  maxHops: optional(wholeNumber(0, 255), {
    defaultText: '0; with `multihop` 255',
    description: 'a packet whose TTL is below `ttl` by more than this is ignored',
  }),
};

const checkOptions = mapping(checkShape).refine(
  ({ minReplyLength = 0, maxReplyLength = minReplyLength }) => minReplyLength <= maxReplyLength,
  {
    path: ['minReplyLength'],
    error: 'a length that is not above maxReplyLength',
  },
);

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
function bfdInterval(fromMs: number): z.ZodType<number, string> {
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
