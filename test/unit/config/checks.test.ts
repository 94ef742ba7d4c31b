import { describe, expect, test } from 'vitest';
import type { CheckConfig } from '../../../src/config/config.ts';
import { parseConfig } from '../../../src/config/parse-config.ts';

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
      'services[0].reals[0].checks: found checks beside check; allowed: one of them',
    ],
    [
      ', checks: []',
      'services[0].reals[0].checks: found a list; allowed: a list of checks, each of which has to pass',
    ],
    [', checks: [none]', "services[0].reals[0].checks[0]: found 'none'; allowed: one of tcp,"],
    [', checks: [tcp, {type: misc}]', 'services[0].reals[0].checks[1]: command is missing; allowed: '],
    [
      ', checks: [{type: ping, helo: a}]',
      "checks[0].helo: helo is for checks of type smtp, this one's is ping; ",
    ],
  ])('%s: %s', (real, message) => {
    expect(() => checks('', '', real)).toThrow(message);
  });
  test('an option within has to be for one type of the list around it', () => {
    const list = ', checks: [tcp, smtp]';
    expect(checks('', list, ', check: {helo: a}')).toHaveLength(2);
    expect(() => checks('', list, ', check: {queryName: a}')).toThrow("this one's is tcp or smtp");
  });
});
