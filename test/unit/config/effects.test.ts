import { expect, test } from 'vitest';
import type { ServiceConfig } from '../../../src/contract/config/service-contract.ts';
import { CulvertError } from '../../../src/errors.ts';
import type { CommandConfig } from '../../../src/linux/process/command-config.ts';
import { ip } from '../../../src/net/address/ip-address.ts';
import { parseConfig } from './yaml.ts';

const TWO = 'reals: [{address: 10.0.3.2}, {address: 10.0.4.2, weight: 50}]';

function read(service: string, defaults = '', reals = TWO): ServiceConfig | undefined {
  const text = `director: {interface: eth0}
defaults: {${defaults}}
services:
  - {vip: 192.0.2.10, port: 80, ${service}${service === '' ? '' : ', '}${reals}}
`;
  return parseConfig(text, 'x.yaml').services[0];
}

function faultOf(service: string, defaults = '', reals = TWO): string {
  try {
    read(service, defaults, reals);
  } catch (error) {
    if (error instanceof CulvertError) return `${error.where}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

const own = (name: string): CommandConfig => ({
  run: { command: [name] },
  timeoutMs: 30_000,
  user: undefined,
});

test('quorum and sorry server', () => {
  const service = read(
    'quorum: 140, hysteresis: 10, omega: true, sorryServer: {address: 10.0.9.9, weight: 3, tunnel: gre, inhibit: true}',
  );
  expect(service).toMatchObject({
    quorum: 140,
    hysteresis: 10,
    omega: true,
    sorryServer: {
      address: ip('10.0.9.9'),
      weight: 3,
      tunnel: { type: 'gre', checksum: 'none' },
      inhibit: true,
    },
  });
  const standard = { weight: 7, tunnel: undefined, inhibit: false };
  expect(read('sorryServer: {address: 10.0.3.2}', 'weight: 7')?.sorryServer).toMatchObject(standard);
});

test('commands are those of the innermost level that names one', () => {
  const service = read(
    'onUp: {command: [b]}, onDown: none, onQuorumUp: {shell: "c | d", timeout: 5s, user: "nobody:1001"}',
    'onUp: {command: [a]}, onDown: {command: [a]}, onQuorumUp: {command: [a]}, onQuorumDown: {command: [a]}, inhibitOnFailure: true',
    'reals: [{address: 10.0.3.2}, {address: 10.0.4.2, inhibitOnFailure: false, onUp: none, onDown: {command: [e]}}]',
  );
  expect(service?.reals).toMatchObject([
    { inhibitOnFailure: true, onUp: own('b'), onDown: undefined },
    { inhibitOnFailure: false, onUp: undefined, onDown: own('e') },
  ]);
  expect(service?.onQuorumUp).toEqual({ run: { shell: 'c | d' }, timeoutMs: 5000, user: 'nobody:1001' });
  expect(service?.onQuorumDown).toEqual(own('a'));
});

test.each<[what: string, service: string, at: string, words: string]>([
  [
    'a hysteresis of 1 alone',
    'hysteresis: 1',
    '1',
    'found 1; allowed: less than the quorum, which must be above 1',
  ],
  ['one like the quorum', 'quorum: 8, hysteresis: 9', '9', 'found 9; allowed: less than the quorum, 8'],
  ['a quorum never gained', 'quorum: 151', '151', 'amount to 150'],
  ['one with its hysteresis', 'quorum: 150, hysteresis: 1', '150', 'found 150 and a hysteresis of 1'],
  ['no quorum', 'quorum: 0', '0', '1 to 4294967295'],
  ['a VIP that is sorry', 'sorryServer: {address: 192.0.2.10}', '192', 'the VIP of line 4'],
  ['a weight of nothing', 'sorryServer: {address: 10.0.9.9, weight: 0}', '0}', '1 to 65535'],
  ['its tunnel', 'sorryServer: {address: 10.0.9.9, tunnel: {type: gue}}', '{type', 'port is missing'],
  ['a command in one word', 'onUp: /bin/true', '/bin', 'none, or a mapping with command, shell'],
  ['a command of nothing', 'onDown: {timeout: 1s}', '{', 'command is missing'],
  ['two commands', 'onDown: {command: [a], shell: b}', 'shell', 'found shell next to command'],
  ['nobody', 'onDown: {shell: b, user: "no body"}', '"no', 'user:group'],
])('%s is refused', (_what, service, at, words) => {
  const column = '  - {vip: 192.0.2.10, port: 80, '.length + service.indexOf(at) + 1;
  const fault = faultOf(service);
  expect(fault).toContain(`x.yaml:4:${column}: `);
  expect(fault).toContain(words);
});

test('a quorum above the weights is sound where a check may raise them', () => {
  expect(faultOf('quorum: 151, check: {type: misc, command: [a], dynamic: true}')).toBe('accepted');
  expect(faultOf('quorum: 151', 'check: {type: file, file: /run/load, weight: 2}')).toBe('accepted');
  expect(faultOf('quorum: 150', 'weight: 99')).toContain('amount to 149');
});
