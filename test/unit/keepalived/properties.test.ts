import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Place } from '../../../src/config/keepalived/place.ts';
import { printKeepalived } from '../../../src/config/keepalived/print.ts';
import { printYaml } from '../../../src/config/keepalived/print-yaml.ts';
import type { Statement } from '../../../src/config/keepalived/statement.ts';
import { parseConfig } from '../../../src/config/parse-config.ts';
import { SCHEDULER_NAMES } from '../../../src/forwarding/scheduler-names.ts';
import { formatIpv4, type Ipv4Address } from '../../../src/net/ipv4-address.ts';
import { FILE, parse, plain, read } from './read.ts';

const PLACE: Place = { fileName: FILE, line: 1, column: 1 };

/** Words that no reading can mistake: keepalived has no way to write a quotation mark in most of them. */
const word = fc
  .oneof(
    fc.string({ unit: 'grapheme-ascii', maxLength: 8 }),
    fc.constantFrom('{', '}', '', 'a b', '#', '!', '${A}', '@lb1', 'include', '\\x'),
  )
  .filter((text) => !text.includes('"') && !text.endsWith('\\') && !/\$\{?_/.test(text));
const anyText = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !text.includes('\n'));

const statement: fc.Arbitrary<Statement> = fc.letrec<{ statement: Statement }>((tie) => ({
  statement: fc
    .record({
      words: fc.oneof(
        fc.array(word, { minLength: 1, maxLength: 4 }),
        fc.array(anyText, { maxLength: 3 }).map((texts) => ['notify_up', ...texts]),
      ),
      body: fc.option(fc.array(tie('statement'), { maxLength: 3 }), { nil: undefined, depthSize: 'small' }),
    })
    .map(({ words, body }) => ({ words: words.map((text) => ({ text, place: PLACE })), body })),
})).statement;

test('reading what was printed gives the same statements', () => {
  const property = fc.property(fc.array(statement, { maxLength: 4 }), (statements) => {
    const { statements: again, findings } = parse(printKeepalived(statements));
    expect(findings.errors).toEqual([]);
    expect(plain(again)).toEqual(plain(statements));
  });
  fc.assert(property, { numRuns: 1000 });
});

interface Real {
  readonly weight: number | undefined;
  readonly thresholds: { readonly upper: number; readonly lower: number } | undefined;
  readonly tunnel: Tunnel | undefined;
  readonly check:
    | { interval?: number; timeout?: number; retries?: number; retryDelay?: number; port?: number }
    | undefined;
}

type Tunnel =
  | { readonly type: 'ipip' }
  | { readonly type: 'gre'; readonly checksum: 'none' | 'full' }
  | { readonly type: 'gue'; readonly checksum: 'none' | 'full' | 'remote'; readonly port: number };

interface Service {
  readonly ipv6: boolean;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly scheduler: string;
  readonly byPort: boolean;
  readonly fallback: boolean;
  readonly persistence: { readonly timeout: number; readonly prefix: number } | undefined;
  readonly tunnel: Tunnel;
  readonly interval: number | undefined;
  readonly reals: readonly Real[];
}

const seconds = fc.integer({ min: 1, max: 3_600_000 }).map((value) => value / 1000);
const anyTunnel: fc.Arbitrary<Tunnel> = fc.oneof(
  fc.constant({ type: 'ipip' as const }),
  fc.record({ type: fc.constant('gre' as const), checksum: fc.constantFrom('none', 'full') }),
  fc.record({
    type: fc.constant('gue' as const),
    checksum: fc.constantFrom('none', 'full', 'remote'),
    port: fc.integer({ min: 1, max: 65_535 }),
  }),
);
const real: fc.Arbitrary<Real> = fc.record({
  thresholds: fc.option(
    fc
      .tuple(fc.nat(2 ** 32 - 1), fc.nat(2 ** 32 - 1))
      .map(([a, b]) => ({ upper: Math.max(a, b), lower: Math.min(a, b) })),
    { nil: undefined },
  ),
  tunnel: fc.option(anyTunnel, { nil: undefined }),
  weight: fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined }),
  check: fc.option(
    fc.record(
      {
        interval: fc.integer({ min: 10, max: 86_400_000 }).map((value) => value / 1000),
        timeout: seconds,
        retries: fc.integer({ min: 0, max: 1000 }),
        retryDelay: seconds,
        port: fc.integer({ min: 1, max: 65_535 }),
      },
      { requiredKeys: [] },
    ),
    { nil: undefined },
  ),
});
const service: fc.Arbitrary<Service> = fc.record({
  ipv6: fc.boolean(),
  protocol: fc.constantFrom('tcp', 'udp', 'sctp'),
  scheduler: fc.constantFrom(...SCHEDULER_NAMES),
  byPort: fc.boolean(),
  fallback: fc.boolean(),
  persistence: fc.option(
    fc.record({ timeout: fc.integer({ min: 1, max: 31 * 86_400 }), prefix: fc.integer({ min: 1, max: 32 }) }),
    { nil: undefined },
  ),
  tunnel: anyTunnel,
  interval: fc.option(fc.integer({ min: 1, max: 86_400 }), { nil: undefined }),
  reals: fc.array(real, { minLength: 1, maxLength: 4 }),
});

function asKeepalived(services: readonly Service[]): string {
  return services
    .map((each, index) => `virtual_server ${vipOf(each)} ${index + 1} {\n${serverLines(each)}}\n`)
    .join('');
}

function vipOf({ ipv6 }: Service): string {
  return ipv6 ? '2001:db8::1' : '192.0.2.1';
}

function serverLines(each: Service): string {
  const { protocol, scheduler, byPort, fallback, interval, reals, persistence, ipv6 } = each;
  const lines = [`protocol ${protocol.toUpperCase()}`, `lb_algo ${scheduler}`, methodLine(each.tunnel)];
  if (byPort && hasFlags(each)) lines.push(`${scheduler}-port`);
  if (fallback && hasFlags(each)) lines.push(`${scheduler}-fallback`);
  if (persistence !== undefined) {
    const { timeout, prefix } = persistence;
    const mask = ipv6 ? prefix : formatIpv4(((-1 << (32 - prefix)) >>> 0) as Ipv4Address);
    lines.push(`persistence_timeout ${timeout}`, `persistence_granularity ${mask}`);
  }
  if (interval !== undefined) lines.push(`delay_loop ${interval}`);
  return [...lines, ...reals.map(realLines)].map((line) => `${line}\n`).join('');
}

function hasFlags({ scheduler }: Service): boolean {
  return scheduler === 'mh' || scheduler === 'sh';
}

function methodLine(tunnel: Tunnel): string {
  if (tunnel.type === 'ipip') return 'lvs_method TUN';
  const checksum = { none: 'nocsum', full: 'csum', remote: 'remcsum' }[tunnel.checksum];
  return `lvs_method TUN type ${tunnel.type}${tunnel.type === 'gue' ? ` port ${tunnel.port}` : ''} ${checksum}`;
}

function realLines({ weight, check, thresholds, tunnel }: Real, index: number): string {
  const lines = weight === undefined ? [] : [`weight ${weight}`];
  if (thresholds !== undefined)
    lines.push(`uthreshold ${thresholds.upper}`, `lthreshold ${thresholds.lower}`);
  if (tunnel !== undefined) lines.push(methodLine(tunnel));
  if (check !== undefined) {
    const names = {
      interval: 'delay_loop',
      timeout: 'connect_timeout',
      retries: 'retry',
      retryDelay: 'delay_before_retry',
      port: 'connect_port',
    };
    const options = Object.entries(check).map(
      ([name, value]) => `${names[name as keyof typeof names]} ${value}`,
    );
    lines.push(`TCP_CHECK {\n${options.join('\n')}\n}`);
  }
  return `real_server 10.0.0.${index + 1} {\n${lines.join('\n')}\n}`;
}

function milliseconds(value: number): string {
  return `${Math.round(value * 1000)}ms`;
}

function asYaml(services: readonly Service[]): string {
  return stringify({
    director: { plane: 'simulated' },
    services: services.map((each, index) => ({
      vip: vipOf(each),
      protocol: each.protocol,
      port: index + 1,
      scheduler: each.scheduler,
      ...flagsAsYaml(each),
      ...(each.persistence === undefined
        ? {}
        : { persistence: { ...each.persistence, timeout: `${each.persistence.timeout}s` } }),
      tunnel: each.tunnel,
      reals: each.reals.map(({ weight = 1, check, thresholds, tunnel: own }, position) => ({
        address: `10.0.0.${position + 1}`,
        weight,
        ...(thresholds === undefined
          ? {}
          : { upperThreshold: thresholds.upper, lowerThreshold: thresholds.lower }),
        // A tunnel that is the service's is not written again.
        ...(own === undefined || methodLine(own) === methodLine(each.tunnel) ? {} : { tunnel: own }),
        check:
          check === undefined
            ? 'none'
            : {
                interval: milliseconds(check.interval ?? each.interval ?? 60),
                timeout: milliseconds(check.timeout ?? 5),
                retries: check.retries ?? 1,
                retryDelay: milliseconds(check.retryDelay ?? 1),
                via: 'direct',
                ...(check.port === undefined ? {} : { port: check.port }),
              },
      })),
    })),
  });
}

function flagsAsYaml({ scheduler, byPort, fallback }: Service): object {
  if (scheduler === 'mh') return { hashOn: byPort ? 'flow' : 'source' };
  if (scheduler !== 'sh') return {};
  return { schedulerFlags: [...(byPort ? ['sh-port'] : []), ...(fallback ? ['sh-fallback'] : [])] };
}

test('the same configuration in either format is the same, and so is the imported one', () => {
  const property = fc.property(fc.array(service, { maxLength: 4 }), (services) => {
    const fromKeepalived = read(asKeepalived(services));
    expect(fromKeepalived.config).toEqual(parseConfig(asYaml(services), 'culvert.yaml'));
    expect(parseConfig(printYaml(fromKeepalived, FILE), 'culvert.yaml')).toEqual(fromKeepalived.config);
  });
  fc.assert(property, { numRuns: 300 });
});
