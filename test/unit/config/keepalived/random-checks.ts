import * as fc from 'fast-check';
import { block, joined, maybe, NOTHING, type Part, part } from './config-part.ts';

/** What a level says of timing; seconds. */
export interface ServerTiming {
  readonly interval?: number;
  readonly timeout?: number;
  readonly retries?: number;
  readonly retryDelay?: number;
  readonly warmup?: number;
  readonly alpha?: boolean;
}

type Level = 'virtual_server' | 'real_server' | 'check';

const KEYWORDS = {
  interval: 'delay_loop',
  timeout: 'connect_timeout',
  retries: 'retry',
  retryDelay: 'delay_before_retry',
  warmup: 'warmup',
} as const;

function seconds(leastMs: number, mostMs: number): fc.Arbitrary<number> {
  return fc.integer({ min: leastMs, max: mostMs }).map((value) => value / 1000);
}

const DAY_MS = 86_400_000;

export function anyTiming(level: Level): fc.Arbitrary<ServerTiming> {
  return fc.record(
    {
      // MISC_CHECK takes as long as the outermost interval, and at most an hour.
      interval: seconds(10, level === 'virtual_server' ? 3_600_000 : DAY_MS),
      timeout: seconds(1, 3_600_000),
      retries: fc.integer({ min: level === 'check' ? 0 : 1, max: 1000 }),
      retryDelay: seconds(0, DAY_MS),
      warmup: seconds(0, DAY_MS),
      // A virtual server has no word for false.
      alpha: level === 'virtual_server' ? fc.constant(true) : fc.boolean(),
    },
    { requiredKeys: [] },
  );
}

export function timingLines(timing: ServerTiming, level: Level): string[] {
  const { alpha, ...numbers } = timing;
  const word = level === 'virtual_server' ? 'alpha' : `alpha ${alpha === true ? 'true' : 'false'}`;
  return [
    ...Object.entries(numbers).map(([name, value]) => `${KEYWORDS[name as keyof typeof KEYWORDS]} ${value}`),
    ...(alpha === undefined ? [] : [word]),
  ];
}

function milliseconds(value: number): string {
  return `${Math.round(value * 1000)}ms`;
}

interface Kind {
  readonly keyword: string;
  readonly type: string;
  readonly retries: number;
  /** Undefined: the interval. */
  readonly retryDelay: number | undefined;
  readonly connects: boolean;
  readonly own: fc.Arbitrary<Part>;
}

/** keepalived 2.2.7 refuses one that ends with ff: read_hex_str() of its lib/parser.c takes that for an error of its own. */
const hexadecimal = fc
  .array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 20 })
  .map((bytes) => Buffer.from(bytes).toString('hex'))
  .filter((text) => !text.endsWith('ff'));

const url = fc
  .tuple(
    maybe(
      part(fc.constantFrom('a.example', 'b.example'), (name) => ({
        line: `virtualhost ${name}`,
        yaml: { virtualHost: name },
      })),
    ),
    maybe(
      part(fc.integer({ min: 100, max: 599 }), (status) => ({
        line: `status_code ${status}`,
        yaml: { status: [status] },
      })),
    ),
    maybe(
      part(fc.constantFrom('640205b7b0fc66c1ea91c463fac6334d'), (digest) => ({
        line: `digest ${digest}`,
        yaml: { digest },
      })),
    ),
    maybe(
      part(fc.nat(1000), (offset) => ({
        line: `regex "a b\\\\d+"\nregex_options caseless\nregex_max_offset ${offset}`,
        yaml: { regex: { pattern: 'a b\\d+', options: ['caseless'], maxOffset: offset } },
      })),
    ),
  )
  .map((parts) => {
    const { lines, yaml } = joined(parts);
    return { lines: block('url', ['path /x', ...lines]), yaml: { path: '/x', ...yaml } };
  });

const http = fc
  .tuple(
    fc.array(url, { minLength: 1, maxLength: 3 }),
    maybe(
      part(fc.constantFrom('1.0', '1.1'), (version) => ({
        line: `http_protocol ${version}`,
        yaml: { httpVersion: version },
      })),
    ),
    maybe(
      part(fc.constantFrom('c.example'), (name) => ({
        line: `virtualhost ${name}`,
        yaml: { virtualHost: name },
      })),
    ),
  )
  .map(([urls, ...parts]) =>
    joined([
      { lines: [], yaml: { httpVersion: '1.0' } },
      ...parts,
      ...(urls.length > 1 ? [{ lines: [], yaml: { rotate: true } }] : []),
      { lines: urls.flatMap(({ lines }) => lines), yaml: { urls: urls.map(({ yaml }) => yaml) } },
    ]),
  );

const udp = fc
  .tuple(fc.option(hexadecimal, { nil: undefined }), fc.option(hexadecimal, { nil: undefined }))
  .map(
    ([payload, reply]): Part =>
      joined([
        payload === undefined ? NOTHING : { lines: [`payload ${payload}`], yaml: { payload } },
        reply === undefined
          ? NOTHING
          : { lines: [`require_reply ${reply.toUpperCase()}`], yaml: { reply, maxReplyLength: 255 } },
      ]),
  );

const anyPort = fc.integer({ min: 1, max: 65_535 });

function option(keyword: string, name: string, value: fc.Arbitrary<string | number>): fc.Arbitrary<Part> {
  return maybe(part(value, (found) => ({ line: `${keyword} ${found}`, yaml: { [name]: found } })));
}

const bind = fc
  .tuple(
    option('bindto', 'address', fc.constant('10.9.9.9')),
    option('bind_port', 'port', anyPort),
    option('bind_if', 'interface', fc.constantFrom('eth0', 'lo')),
  )
  .map(joined)
  .map(({ lines, yaml }): Part => ({ lines, yaml: lines.length === 0 ? {} : { bind: yaml } }));

const connection = fc
  .tuple(
    option('connect_ip', 'address', fc.constantFrom('10.8.8.8', '10.7.7.7')),
    option('connect_port', 'port', anyPort),
    option('fwmark', 'mark', fc.nat(2 ** 32 - 1)),
    bind,
  )
  .map((parts) => joined([{ lines: [], yaml: { via: 'direct' } }, ...parts]));

const USUAL = { retries: 1, retryDelay: 1, connects: true };
const KINDS: readonly Kind[] = [
  { ...USUAL, keyword: 'TCP_CHECK', type: 'tcp', own: fc.constant(NOTHING) },
  { ...USUAL, keyword: 'PING_CHECK', type: 'ping', own: fc.constant(NOTHING) },
  { ...USUAL, keyword: 'HTTP_GET', type: 'http', retryDelay: 3, own: http },
  { ...USUAL, keyword: 'SSL_GET', type: 'https', retryDelay: 3, own: http },
  {
    ...USUAL,
    keyword: 'SMTP_CHECK',
    type: 'smtp',
    own: fc.option(fc.constant('x.example'), { nil: undefined }).map((name) => ({
      lines: name === undefined ? [] : [`helo_name ${name}`],
      yaml: { helo: name ?? 'smtpchecker.keepalived.org' },
    })),
  },
  {
    ...USUAL,
    keyword: 'DNS_CHECK',
    type: 'dns',
    retries: 3,
    retryDelay: undefined,
    own: fc.oneof(
      fc.constant<Part>({ lines: [], yaml: { queryName: '.' } }),
      part(fc.constantFrom('A', 'AAAA', 'RRSIG'), (type) => ({
        line: `type ${type}\nname example.org`,
        yaml: { queryType: type, queryName: 'example.org' },
      })),
    ),
  },
  { ...USUAL, keyword: 'UDP_CHECK', type: 'udp', own: udp },
  {
    ...USUAL,
    keyword: 'MISC_CHECK',
    type: 'misc',
    retries: 0,
    connects: false,
    own: fc.boolean().map((dynamic) => ({
      lines: ['misc_path "/bin/true x"', ...(dynamic ? ['misc_dynamic'] : [])],
      yaml: { command: ['/bin/true', 'x'], ...(dynamic ? { dynamic } : {}) },
    })),
  },
];

interface Around {
  readonly outer: ServerTiming;
  readonly inner: ServerTiming;
}

type Check = (around: Around) => Part;

const timedCheck: fc.Arbitrary<Check> = fc.constantFrom(...KINDS).chain((kind) =>
  fc
    .record({
      own: kind.own,
      timing: anyTiming('check'),
      connection: kind.connects ? connection : fc.constant(NOTHING),
      tells: maybe(
        part(fc.boolean(), (on) => ({
          line: `log_all_failures ${on ? 'yes' : 'no'}`,
          yaml: { logAllFailures: on },
        })),
      ),
    })
    .map(({ own, timing: { timeout, ...others }, connection: parts, tells }): Check => {
      const timing = kind.connects && timeout !== undefined ? { ...others, timeout } : others;
      const { lines, yaml } = joined([own, parts, tells]);
      return (around) => ({
        lines: block(kind.keyword, [...timingLines(timing, 'check'), ...lines]),
        yaml: {
          type: kind.type,
          ...timingAsYaml(kind, { ...around.outer, ...around.inner, ...timing }, around.outer),
          ...yaml,
        },
      });
    }),
);

function timingAsYaml(kind: Kind, merged: ServerTiming, outermost: ServerTiming): object {
  const { interval = 60, timeout = 5, retries = kind.retries, warmup, alpha } = merged;
  const { retryDelay = kind.retryDelay ?? interval } = merged;
  return {
    interval: milliseconds(interval),
    timeout: milliseconds(kind.connects ? timeout : (outermost.interval ?? 60)),
    retries,
    retryDelay: milliseconds(retryDelay),
    ...(warmup === undefined ? {} : { warmup: milliseconds(warmup) }),
    ...(alpha === undefined ? {} : { alpha }),
  };
}

const fileCheck: fc.Arbitrary<Check> = fc
  .option(fc.tuple(fc.integer({ min: 1 - 2 ** 31, max: 2 ** 31 - 1 }), fc.boolean()), { nil: undefined })
  .map((own) => (): Part => {
    const [weight, reverse] = own ?? [2, false];
    const line = `weight ${weight}${reverse ? ' reverse' : ''}`;
    return {
      lines: block('FILE_CHECK', ['track_file F', ...(own === undefined ? [] : [line])]),
      yaml: {
        type: 'file',
        file: '/run/f',
        weight,
        reverse,
        interval: '10s',
        timeout: '5s',
        retries: 0,
        retryDelay: '1s',
      },
    };
  });

/** The checks of a real server: none, one or several. */
export const anyChecks: fc.Arbitrary<(around: Around) => Part> = fc
  .array(fc.oneof({ weight: 6, arbitrary: timedCheck }, { weight: 1, arbitrary: fileCheck }), {
    maxLength: 3,
  })
  .map((checks) => (around: Around): Part => {
    const parts = checks.map((check) => check(around));
    const [only] = parts;
    const yaml = parts.map((each) => each.yaml);
    return {
      lines: parts.flatMap(({ lines }) => lines),
      yaml:
        only === undefined ? { check: 'none' } : parts.length === 1 ? { check: only.yaml } : { checks: yaml },
    };
  });
