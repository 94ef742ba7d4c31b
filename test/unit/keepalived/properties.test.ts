import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Place } from '../../../src/config/keepalived/place.ts';
import { printKeepalived } from '../../../src/config/keepalived/print.ts';
import { printYaml } from '../../../src/config/keepalived/print-yaml.ts';
import type { Statement } from '../../../src/config/keepalived/statement.ts';
import { parseConfig } from '../../../src/config/parse-config.ts';
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
  readonly check:
    | { interval?: number; timeout?: number; retries?: number; retryDelay?: number; port?: number }
    | undefined;
}

interface Service {
  readonly protocol: 'tcp' | 'udp';
  readonly scheduler: 'rr' | 'wrr' | 'mh';
  readonly byPort: boolean;
  readonly interval: number | undefined;
  readonly reals: readonly Real[];
}

const seconds = fc.integer({ min: 1, max: 3_600_000 }).map((value) => value / 1000);
const real: fc.Arbitrary<Real> = fc.record({
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
  protocol: fc.constantFrom('tcp', 'udp'),
  scheduler: fc.constantFrom('rr', 'wrr', 'mh'),
  byPort: fc.boolean(),
  interval: fc.option(fc.integer({ min: 1, max: 86_400 }), { nil: undefined }),
  reals: fc.array(real, { minLength: 1, maxLength: 4 }),
});

function asKeepalived(services: readonly Service[]): string {
  return services
    .map((each, index) => `virtual_server 192.0.2.1 ${index + 1} {\n${serverLines(each)}}\n`)
    .join('');
}

function serverLines({ protocol, scheduler, byPort, interval, reals }: Service): string {
  const lines = [`protocol ${protocol.toUpperCase()}`, `lb_algo ${scheduler}`, 'lb_kind TUN'];
  if (byPort && scheduler === 'mh') lines.push('mh-port');
  if (interval !== undefined) lines.push(`delay_loop ${interval}`);
  return [...lines, ...reals.map(realLines)].map((line) => `${line}\n`).join('');
}

function realLines({ weight, check }: Real, index: number): string {
  const lines = weight === undefined ? [] : [`weight ${weight}`];
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
    services: services.map(({ protocol, scheduler, byPort, interval = 60, reals }, index) => ({
      vip: '192.0.2.1',
      protocol,
      port: index + 1,
      scheduler,
      ...(scheduler === 'mh' ? { hashOn: byPort ? 'flow' : 'source' } : {}),
      reals: reals.map(({ weight = 1, check }, position) => ({
        address: `10.0.0.${position + 1}`,
        weight,
        check:
          check === undefined
            ? 'none'
            : {
                interval: milliseconds(check.interval ?? interval),
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

test('the same configuration in either format is the same, and so is the imported one', () => {
  const property = fc.property(fc.array(service, { maxLength: 4 }), (services) => {
    const fromKeepalived = read(asKeepalived(services));
    expect(fromKeepalived.config).toEqual(parseConfig(asYaml(services), 'culvert.yaml'));
    expect(parseConfig(printYaml(fromKeepalived, FILE), 'culvert.yaml')).toEqual(fromKeepalived.config);
  });
  fc.assert(property, { numRuns: 300 });
});
