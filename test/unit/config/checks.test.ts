import { describe, expect, test } from 'vitest';
import type { CheckConfig } from '../../../src/contract/checks/check-config.ts';
import { REGEX_OPTIONS } from '../../../src/contract/checks/regex-options.ts';
import { ip } from '../../../src/net/address/ip-address.ts';
import { parseConfig } from './yaml.ts';

/** The checks of a real, from what stands in `defaults`, at its service and at itself. */
function checks(defaults: string, service: string, real: string, protocol = 'tcp'): readonly CheckConfig[] {
  const text = `
director: {interface: eth0}
defaults: {${defaults}}
services:
  - {vip: 192.0.2.10, protocol: ${protocol}, port: 80, reals: [{address: 10.0.3.2${real}}]${service}}
`;
  return parseConfig(text, 'culvert.yaml').services[0]?.reals[0]?.checks ?? [];
}

describe('checks of three levels', () => {
  test('each overrides single values of the one around it', () => {
    const merged = checks(
      'check: {interval: 1s, timeout: 500ms, retries: 0}',
      ', check: {timeout: 200ms, via: direct}',
      ', check: {port: 8080, retries: 1}',
    );
    expect(merged).toMatchObject([
      { intervalMs: 1000, timeoutMs: 200, retries: 1, via: 'direct', port: 8080 },
    ]);
  });
  test('none ends checking, until a level within asks again', () => {
    expect(checks('check: none', '', '')).toEqual([]);
    expect(checks('check: {interval: 1s}', ', check: none', '')).toEqual([]);
    expect(checks('check: {interval: 1s}', ', check: none', ', check: tcp')).toMatchObject([
      { intervalMs: 1000 },
    ]);
    expect(checks('', '', ', check: none')).toEqual([]);
    expect(checks('checks: [tcp, ping]', '', ', check: none')).toEqual([]);
  });
  test('a UDP service is checked only when it or its real says so', () => {
    expect(checks('check: {interval: 1s}', '', '', 'udp')).toEqual([]);
    expect(checks('check: {interval: 1s}', ', check: tcp', '', 'udp')).toMatchObject([{ intervalMs: 1000 }]);
    expect(checks('', '', ', check: {port: 8080}', 'udp')).toMatchObject([{ port: 8080 }]);
    expect(checks('', '', ', checks: [ping]', 'udp')).toMatchObject([{ probe: { type: 'ping' } }]);
  });
  test('a list begins from the single values around it, and what is within changes all of it', () => {
    const list = ', checks: [tcp, {type: ping, interval: 2s}]';
    expect(checks('check: {interval: 1s}', list, ', check: {retries: 7}')).toMatchObject([
      { probe: { type: 'tcp' }, intervalMs: 1000, retries: 7 },
      { probe: { type: 'ping' }, intervalMs: 2000, retries: 7 },
    ]);
    expect(checks('', list, ', check: smtp')).toMatchObject([{ probe: { type: 'smtp' }, intervalMs: 6000 }]);
    expect(checks('', list, ', checks: [{type: dns}]')).toMatchObject([{ probe: { type: 'dns' } }]);
  });
  test.each([
    [
      ', check: tcp, checks: [ping]',
      'services[0].reals[0].checks: found checks next to check; allowed: only one of them',
    ],
    [
      ', checks: []',
      'services[0].reals[0].checks: found a list; allowed: a list of checks, all of which must pass',
    ],
    [', checks: [none]', "services[0].reals[0].checks[0]: found 'none'; allowed: one of tcp,"],
    [', checks: [tcp, {type: misc}]', 'services[0].reals[0].checks[1]: command is missing; allowed: '],
    [
      ', checks: [{type: ping, helo: a}]',
      'checks[0].helo: helo is for checks of type smtp, but the type here is ping; ',
    ],
  ])('%s: %s', (real, message) => {
    expect(() => checks('', '', real)).toThrow(message);
  });
  test('an option within has to be for one type of the list around it', () => {
    const list = ', checks: [tcp, smtp]';
    expect(checks('', list, ', check: {helo: a}')).toHaveLength(2);
    expect(() => checks('', list, ', check: {queryName: a}')).toThrow('the type here is tcp or smtp');
  });
});

/** A check of that type with these options at a service. */
function written(type: string, options: string): CheckConfig | undefined {
  return checks('', `, check: {type: ${type}, ${options}}`, '')[0];
}

const regex = (value: string): CheckConfig | undefined => written('http', `urls: [{regex: ${value}}]`);

describe('options of single types', () => {
  test('where a direct check connects to, and from', () => {
    const options =
      "via: direct, address: '2001:db8::5', bind: {address: '2001:db8::1', port: 7, interface: eth1}, mark: 3";
    expect(written('tcp', options)).toMatchObject({
      address: ip('2001:db8::5'),
      from: { address: ip('2001:db8::1'), port: 7, interface: 'eth1', mark: 3 },
    });
    expect(written('ping', 'via: direct')?.from).toBeUndefined();
    const fault = /bind is only for checks that do not go through the tunnel; fix: add via: direct/;
    expect(() => written('tcp', 'bind: {port: 7}')).toThrow(fault);
    expect(() => checks('check: {via: direct, mark: 1}', '', ', check: {via: tunnel}')).toThrow(
      /: mark is only for/,
    );
    expect(() => written('misc', 'command: [a], mark: 1')).toThrow(/mark is for checks of type tcp or http/);
  });

  test('what JavaScript has of the options of PCRE2', () => {
    const all = Object.keys(REGEX_OPTIONS).filter((name) => !['dupnames', 'extended', 'ucp'].includes(name));
    expect(regex(`{pattern: a, flags: i, options: [${all.join(', ')}]}`)?.probe).toMatchObject({
      urls: [{ regex: { flags: 'ismu', firstLine: true } }],
    });
  });

  test.each([
    [
      '{pattern: a, options: [extended]}',
      "found 'extended'; allowed: other options, because JavaScript's regular expressions do not support comments",
    ],
    [
      '{pattern: a, options: [dupnames]}',
      "found 'dupnames'; allowed: other options, because JavaScript's regular expressions do not support two groups",
    ],
    [
      '{pattern: a, options: [ucp]}',
      "found 'ucp'; allowed: other options, because JavaScript's regular expressions do not support Unicode classes",
    ],
    ['{pattern: a, options: [anchored]}', "found 'anchored'; allowed: one of allow_empty_class, "],
    [
      "{pattern: '\\-', options: [utf]}",
      'allowed: a regular expression in JavaScript syntax, with these flags',
    ],
    ['"("', "found '('; allowed: a regular expression in JavaScript syntax"],
    ['{pattern: "("}', "found '('; allowed: a regular expression in JavaScript syntax"],
  ])('%s: %s', (value, message) => {
    expect(() => regex(value)).toThrow(message);
  });

  test.each([
    [
      'http',
      'httpVersion: 1.0C, rotate: true, fastRecovery: true',
      { httpVersion: '1.0C', rotate: true, fastRecovery: true },
    ],
    ['https', 'sni: true', { sni: true }],
    ['https', 'sni: a.example', { sni: 'a.example' }],
    ['misc', 'command: [a], user: nobody:nogroup', { user: 'nobody:nogroup' }],
    ['file', 'file: /a, weight: -2147483647', { weight: -2_147_483_647 }],
    ['dns', 'queryType: DNSKEY', { queryType: 'DNSKEY', queryName: '.', acceptsRefusal: true }],
  ])('%s {%s}', (type, options, probe) => {
    expect(written(type, options)?.probe).toMatchObject(probe);
  });

  test.each([
    ["command: ['']", 'allowed: a list of the program and its arguments'],
    ['command: []', 'allowed: a list of the program and its arguments'],
    ['command: [a, "b\\0c"]', 'allowed: a text without NUL characters'],
    ['shell: "a\\0b"', 'allowed: a line for the shell'],
    ['shell: " "', 'allowed: a line for the shell'],
  ])('misc {%s}: %s', (options, message) => {
    expect(() => written('misc', options)).toThrow(message);
  });

  test('a reply cannot be longer than its greatest length', () => {
    const fault = 'minReplyLength: found 6; allowed: a length that is not above maxReplyLength';
    expect(() => written('udp', 'reply: any, minReplyLength: 6, maxReplyLength: 5')).toThrow(fault);
    expect(written('udp', 'minReplyLength: 5, maxReplyLength: 5')).toBeDefined();
  });

  test('a match cannot begin beyond its greatest offset', () => {
    const fault = 'regex.minOffset: found 6; allowed: an offset that is not above maxOffset';
    expect(() => regex('{pattern: a, minOffset: 6, maxOffset: 5}')).toThrow(fault);
    for (const fine of ['minOffset: 5, maxOffset: 5', 'minOffset: 5', 'maxOffset: 5'])
      expect(regex(`{pattern: a, ${fine}}`)).toBeDefined();
  });

  test('the simulated network has only one interface', () => {
    const text = `
director: {plane: simulated}
services: [{vip: 192.0.2.10, port: 80, reals: [{address: 10.0.3.2, check: {via: direct, mark: 1}}]}]
`;
    expect(() => parseConfig(text, 'culvert.yaml')).toThrow(
      'check.mark: the simulated network has only one interface',
    );
  });
});

const from = (address: string): string => `check: {via: direct, bind: {address: "${address}"}}`;
const noWay = (to: string): string =>
  `bind.address: found 2001:db8::1, which cannot reach ${to}; allowed: an IPv4 address of this machine`;

describe('a check goes from an address of the family that it goes to', () => {
  test('told where the address is written', () => {
    expect(() => checks('', '', `, ${from('2001:db8::1')}`)).toThrow(
      `culvert.yaml:5:113: services[0].reals[0].check.${noWay('10.0.3.2')}`,
    );
    expect(() => checks(from('2001:db8::1'), '', '')).toThrow(
      `culvert.yaml:3:49: defaults.check.${noWay('10.0.3.2')}`,
    );
    const list = ', checks: [tcp, {via: direct, bind: {address: "2001:db8::1"}, address: 10.0.9.9}]';
    expect(() => checks('', '', list)).toThrow(`services[0].reals[0].checks[1].${noWay('10.0.9.9')}`);
  });

  test.each([
    ['the family of the address that is checked counts', ', check: {address: "2001:db8::2"}'],
    ['what stands within counts', ', check: {bind: {address: 10.0.3.1}}'],
    ['a port alone has no family', ', check: {bind: {port: 9000}}'],
    ['nothing is bound by what does not connect', ', check: {type: file, file: /a}'],
    ['nothing is bound where nothing is checked', ', check: none'],
  ])('%s', (_description, real) => {
    expect(checks(from('2001:db8::1'), '', real)).toBeDefined();
  });
});
