import { describe, expect, test } from 'vitest';
import { CulvertError } from '../../../src/errors.ts';
import { parseConfig } from './yaml.ts';

/** A sound configuration; each case replaces one piece of it. Line numbers of the cases count from here. */
const SOUND = `director:
  interface: eth0
services:
  - vip: 192.0.2.10
    port: 80
    reals:
      - {address: 10.0.3.2, weight: 100}
      - {address: 10.0.4.2}
`;

function errorOf(text: string): CulvertError {
  try {
    parseConfig(text, 'culvert.yaml');
  } catch (error) {
    if (error instanceof CulvertError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

test('the configuration that the cases break is sound', () => {
  expect(parseConfig(SOUND, 'culvert.yaml').services).toHaveLength(1);
});

describe('each fault names its place, what was found and what is allowed', () => {
  const cases: [description: string, from: string, to: string, where: string, words: string[]][] = [
    ['unknown key', 'port: 80', 'prot: 80', '5:5', ["'prot'", "did you mean 'port'", 'scheduler']],
    ['unknown section', 'services:', 'servces: []\nservices:', '3:1', ["did you mean 'services'"]],
    ['key far from any', 'port: 80', 'port: 80\n    zzzzzz: 1', '6:5', ["unknown key 'zzzzzz'; allowed"]],
    ['missing port', '    port: 80\n', '', '4:5', ['port is missing', '1 to 65535']],
    ['missing interface', '  interface: eth0\n', '  plane: xdp\n', '2:3', ['interface is missing']],
    ['port too large', 'port: 80', 'port: 65536', '5:11', ['found 65536', '1 to 65535']],
    ['port zero', 'port: 80', 'port: 0', '5:11', ['found 0', '1 to 65535']],
    ['port in words', 'port: 80', 'port: http', '5:11', ["found 'http'", 'whole number']],
    ['port with a fraction', 'port: 80', 'port: 80.5', '5:11', ['found 80.5']],
    ['huge port', 'port: 80', 'port: 1e300', '5:11', ['1 to 65535']],
    ['port left empty', 'port: 80', 'port:', '5:10', ['found nothing']],
    ['weight too large', 'weight: 100', 'weight: 65536', '7:37', ['found 65536', '0 to 65535']],
    ['negative weight', 'weight: 100', 'weight: -1', '7:37', ['found -1', '0 to 65535']],
    ['weight as a text', 'weight: 100', 'weight: "100"', '7:37', ["found '100'"]],
    ['not an address', '192.0.2.10', '192.0.2.256', '4:10', ["'192.0.2.256'", 'an IP address']],
    ['an address with zeros', '192.0.2.10', '192.000.2.10', '4:10', ['an IP address']],
    ['an address with a zone', '10.0.4.2', '"fe80::1%eth0"', '8:19', ['an IP address']],
    ['an address no host has', '192.0.2.10', '224.0.0.1', '4:10', ["found '224.0.0.1'", 'of a host']],
    ['loopback', '192.0.2.10', '127.0.0.1', '4:10', ["found '127.0.0.1'", 'of a host']],
    ['all addresses as a real', '10.0.4.2', '0.0.0.0', '8:19', ["found '0.0.0.0'", 'of a host']],
    ['a mapped address', '10.0.4.2', '::ffff:10.0.4.2', '8:19', ['of a host', '::ffff:0:0/96']],
    ['link-local', '10.0.4.2', 'fe80::2', '8:19', ['of a host', 'fe80::/10']],
    ['IPv6 multicast', '192.0.2.10', 'ff02::1', '4:10', ['of a host', 'ff00::/8']],
    ['real twice', '10.0.4.2', '10.0.3.2', '8:19', ['10.0.3.2 is listed twice, first in line 7']],
    ['VIP as real', '10.0.4.2', '192.0.2.10', '8:19', ['the VIP of line 4']],
    ['scheduler', 'port: 80', 'port: 80\n    scheduler: wlb', '6:16', ["'wlb'", 'mh, rr, wrr', 'twos']],
    ['protocol', 'port: 80', 'port: 80\n    protocol: icmp', '6:15', ["'icmp'", 'tcp, udp, sctp']],
    ['tunnel', 'port: 80', 'port: 80\n    tunnel: {type: vxlan}', '6:20', ["'vxlan'", 'ipip, gre, gue']],
    [
      'tunnel word',
      'port: 80',
      'port: 80\n    tunnel: gue',
      '6:13',
      ["'gue'", 'ipip, gre', 'a mapping with type'],
    ],
    [
      'GUE without a port',
      'port: 80',
      'port: 80\n    tunnel: {type: gue}',
      '6:13',
      ['port is missing', '6080'],
    ],
    [
      'a port of GRE',
      '10.0.4.2',
      '10.0.4.2, tunnel: {type: gre, port: 1}',
      '8:49',
      ['for tunnels of type gue'],
    ],
    [
      'a checksum of IPIP',
      'port: 80',
      'port: 80\n    tunnel: {type: ipip, checksum: full}',
      '6:26',
      ['gre or gue'],
    ],
    [
      'remote checksums in GRE',
      'port: 80',
      'port: 80\n    tunnel: {type: gre, checksum: remote}',
      '6:35',
      ['found remote', 'one of none, full'],
    ],
    [
      'a flag of nobody',
      'port: 80',
      'port: 80\n    schedulerFlags: [mh-port]',
      '6:22',
      ["'mh-port'", 'sh-port, sh-fallback'],
    ],
    [
      'a flag of another',
      'port: 80',
      'port: 80\n    schedulerFlags: [sh-port]',
      '6:22',
      ['is for scheduler sh, but the scheduler here is mh'],
    ],
    [
      'one packet of TCP',
      'port: 80',
      'port: 80\n    onePacket: true',
      '6:16',
      ['found onePacket with protocol tcp', 'protocol udp'],
    ],
    [
      'one packet, kept together',
      'port: 80',
      'port: 80\n    protocol: udp\n    onePacket: true\n    persistence: 5m',
      '8:5',
      ['one of them'],
    ],
    [
      'a threshold of one packet',
      'port: 80\n    reals:\n      - {address: 10.0.3.2,',
      'port: 80\n    protocol: udp\n    onePacket: true\n    reals:\n      - {address: 10.0.3.2, upperThreshold: 9,',
      '9:29',
      ['a threshold counts flows'],
    ],
    [
      'persistence',
      'port: 80',
      'port: 80\n    persistence: 300',
      '6:18',
      ['found 300', 'with its unit', 'timeout, prefix'],
    ],
    [
      'persistence, empty',
      'port: 80',
      'port: 80\n    persistence: {prefix: 24}',
      '6:18',
      ['timeout is missing'],
    ],
    [
      'a prefix of IPv4',
      'port: 80',
      'port: 80\n    persistence: {timeout: 5m, prefix: 64}',
      '6:40',
      ['found 64', '1 to 32'],
    ],
    [
      'a prefix of nothing',
      'port: 80',
      'port: 80\n    persistence: {timeout: 5m, prefix: 129}',
      '6:40',
      ['1 to 128'],
    ],
    [
      'thresholds',
      '10.0.4.2',
      '10.0.4.2, upperThreshold: 5, lowerThreshold: 6',
      '8:64',
      ['found 6', '0 to 5'],
    ],
    [
      'a lower threshold alone',
      '10.0.4.2',
      '10.0.4.2, lowerThreshold: 6',
      '8:45',
      ['without upperThreshold'],
    ],
    ['no ports', 'port: 80', 'port: []', '5:11', ['a list of 1 to 256 ports']],
    ['too many ports', 'port: 80', 'port: [1-65535]', '5:11', ['a list of 1 to 256 ports']],
    ['a range backwards', 'port: 80', 'port: [443, 90-80]', '5:17', ["'90-80'", 'such as 8000-8010']],
    ['a port of a list', 'port: 80', 'port: [443, 0]', '5:17', ['found 0', '1 to 65535']],
    ['a port twice', 'port: 80', 'port: [80, 70-90]', '5:11', ['tcp 192.0.2.10:80 is listed twice']],
    ['all ports, checked at none', 'port: 80', 'port: all', '4:5', ['no port to check', 'check: none']],
    ['two ways to name interfaces', 'eth0', 'eth0\n  interfaces: [eth1]', '3:3', ['one of them']],
    ['no interface', 'interface: eth0', 'interfaces: []', '2:15', ['at least one']],
    ['expireNodestConn', 'eth0', 'eth0\n  expireNodestConn: 1', '3:21', ['found 1', 'true or false']],
    [
      'expireQuiescentTemplate',
      'eth0',
      'eth0\n  expireQuiescentTemplate: 1',
      '3:28',
      ['found 1', 'true or false'],
    ],
    ['sloppyTcp', 'eth0', 'eth0\n  sloppyTcp: 1', '3:14', ['found 1', 'true or false']],
    ['claim', 'eth0', 'eth0\n  claim: vrrp', '3:10', ["found 'vrrp'", 'always, host, never']],
    ['blackhole', 'port: 80', 'port: 80\n    blackhole: keep', '6:16', ['cure, refuse']],
    ['blackhole mapping', 'port: 80', 'port: 80\n    blackhole: {after: 0}', '6:24', ['1 to 65535']],
    ['check word', 'port: 80', 'port: 80\n    check: off', '6:12', ["found 'off'", 'none, tcp']],
    ['no unit', 'port: 80', 'port: 80\n    check: {interval: 6}', '6:23', ['found 6', 'with its unit']],
    ['unit', 'port: 80', 'port: 80\n    check: {interval: 6 s}', '6:23', ["found '6 s'"]],
    ['check key', 'port: 80', 'port: 80\n    check: {retry: 3}', '6:13', ["did you mean 'retries'"]],
    ['reals not a list', /reals:[^]*/.exec(SOUND)?.[0] ?? '', 'reals: 10.0.3.2', '6:12', ['a list of reals']],
    ['plane', 'eth0', 'eth0\n  plane: ipvs', '3:10', ["found 'ipvs'", 'xdp, simulated']],
    ['interface name', 'eth0', 'averyverylongname0', '2:14', ['name of a network interface']],
    ['hash seed', 'eth0', 'eth0\n  hashSeed: 5f3a', '3:13', ['32 hexadecimal digits']],
    ['unquoted seed', 'eth0', `eth0\n  hashSeed: ${'1'.repeat(32)}`, '3:13', ['in quotes']],
    ['listen', 'eth0', 'eth0\n  listen: 127.0.0.1', '3:11', ['127.0.0.1:8080']],
    [
      'listen name',
      'eth0',
      'eth0\n  listen: {address: 127.0.0.1, port: 1, names: ["a b"]}',
      '3:49',
      ['host name'],
    ],
    ['token', 'eth0', 'eth0\n  listen: {address: 127.0.0.1, port: 1, tokenFile: t}', '3:52', ['absolute']],
    ['tls', 'eth0', 'eth0\n  listen: {address: 127.0.0.1, port: 1, tls: {key: /k}}', '3:46', ['certificate']],
    [
      'metricsListen',
      'eth0',
      'eth0\n  listen: 127.0.0.1:9\n  metricsListen: {address: 127.0.0.1, port: 9}',
      '4:18',
      ['another address or port'],
    ],
    ['slots', 'eth0', 'eth0\n  capacity: {slots: 100}', '3:21', ['a multiple of 16']],
    ['flows', 'eth0', 'eth0\n  capacity: {flows: 1000}', '3:21', ['a power of two']],
    [
      'size without a unit',
      'eth0',
      'eth0\n  journalSize: 64',
      '3:16',
      ['found 64', '0, or a size from 1MiB to 1GiB'],
    ],
    ['size too large', 'eth0', 'eth0\n  journalSize: 2GiB', '3:16', ["found '2GiB'", '1GiB']],
    ['relative path', 'eth0', 'eth0\n  stateDirectory: state', '3:19', ['an absolute path']],
    ['instance', 'eth0', 'eth0\n  instance: ../x', '3:13', ['letters, digits']],
    ['key twice', 'port: 80', 'port: 80\n    port: 81', '6:5', ['appears twice']],
    ['prototype', 'port: 80', 'port: 80\n    __proto__: {}', '6:5', ["unknown key '__proto__'"]],
    ['unclosed list', 'reals:', 'reals: [', '7:7', ['not YAML']],
    ['tab', '    port', '\tport', '5:1', ['not YAML', 'Tabs']],
    ['unknown tag', 'port: 80', 'port: !secret 80', '5:11', ['not YAML', '!secret']],
    ['no such anchor', 'port: 80', 'port: *other', '5:11', ['no anchor &other']],
    ['second document', 'director:', 'a: 1\n---\ndirector:', '2:1', ['not YAML', 'multiple documents']],
  ];
  for (const [description, from, to, where, words] of cases) {
    test(description, () => {
      expect(SOUND).toContain(from);
      const error = errorOf(SOUND.replace(from, to));
      expect(error.code).toBe('CONFIG_INVALID');
      const line = error.message.split('\n').find((text) => text.startsWith(`culvert.yaml:${where}: `));
      expect(line, error.message).toBeDefined();
      for (const word of words) expect(line).toContain(word);
    });
  }
});

test('a service may not be listed twice, protocol and port included', () => {
  const service = '  - {vip: 192.0.2.10, port: 80, reals: []}\n';
  const text = `director: {interface: eth0}\nservices:\n${service}`;
  const error = errorOf(text + service);
  expect(error.message).toBe(
    'culvert.yaml:4:11: services[1].vip: duplicate service tcp 192.0.2.10:80, first in line 3; ' +
      'allowed: one service for each VIP, protocol and port',
  );
  expect(parseConfig(text + service.replace('80', '443'), 'x').services).toHaveLength(2);
  expect(parseConfig(text + service.replace('port', 'protocol: udp, port'), 'x').services).toHaveLength(2);
});

test('a port may not be in two services, however it is written', () => {
  const text = `director: {interface: eth0}
services:
  - {vip: 2001:db8::10, port: [443, 8000-8010], reals: []}
  - {vip: 2001:DB8:0::10, port: 8005, reals: []}
  - {vip: 2001:db8::10, port: all, check: none, reals: []}
`;
  expect(errorOf(text).message).toBe(
    'culvert.yaml:4:11: services[1].vip: duplicate service tcp [2001:db8::10]:8005, first in line 3; ' +
      'allowed: one service for each VIP, protocol and port',
  );
});

test('flags of the defaults need their scheduler, too', () => {
  const text = SOUND.replace('services:', 'defaults: {schedulerFlags: [sh-port]}\nservices:');
  expect(errorOf(text).message).toContain(
    'culvert.yaml:3:29: defaults.schedulerFlags[0]: sh-port is for scheduler sh',
  );
});

test('a real may not be the VIP of another service either', () => {
  const text = `director: {interface: eth0}
services:
  - {vip: 192.0.2.10, port: 80, reals: [{address: 192.0.2.11}]}
  - {vip: 192.0.2.11, port: 80, reals: []}
`;
  expect(errorOf(text).where).toBe('culvert.yaml:3:51');
});

test('all faults of a file are told at once, in its order', () => {
  const text = SOUND.replace('eth0', 'eth0\n  plane: ipvs')
    .replace('port: 80', 'port: 80\n    port: 99999')
    .replace('10.0.4.2', '10.0.3.2');
  const error = errorOf(text);
  expect(error.where).toBe('culvert.yaml:3:10');
  const places = error.message.split('\n').map((line) => line.split(': ')[0]);
  expect(places).toEqual([
    'culvert.yaml:3:10',
    'culvert.yaml:6:11',
    'culvert.yaml:7:5',
    'culvert.yaml:10:19',
  ]);
});

test('rules are silent about a value that is wrong, and report what contradicts the others', () => {
  const { message } = errorOf(`director: {interfaces: eth0, interface: eth0}
defaults: {weight: -5, scheduler: made-up, schedulerFlags: [sh-port]}
services:
  - {vip: 192.0.2.10, port: 80, protocol: icmp, onePacket: true, quorum: 7, hysteresis: [], reals: [5, {address: 10.0.0.1}]}
  - vip: 192.0.2.10
    port: 80
    protocol: icmp
    claim: perhaps
    check: {type: file, file: 7, address: 10.0.0.9}
    tunnel: {type: gue, port: many}
    reals: [{address: 10.0.0.1, lowerThreshold: -3, onUp: {command: []}}]
`);
  expect(message.split('\n').map((line) => line.replace(/;.*/, '').replace(/^\S*: /, ''))).toEqual([
    'director.interfaces: found interfaces next to interface',
    "director.interfaces: found 'eth0'",
    'defaults.weight: found -5',
    "defaults.scheduler: found 'made-up'",
    "services[0].protocol: found 'icmp'",
    'services[0].hysteresis: found a list',
    'services[0].reals[0]: found 5',
    "services[1].protocol: found 'icmp'",
    "services[1].claim: found 'perhaps'",
    'services[1].check.file: found 7',
    'services[1].check.address: address is for checks of type tcp or http or https or smtp or dns or udp or ping, but the type here is file',
    'services[1].check.address: address is only for checks that do not go through the tunnel',
    "services[1].tunnel.port: found 'many'",
    'services[1].reals[0].lowerThreshold: found -3',
    'services[1].reals[0].onUp.command: found a list',
  ]);
});

test('thousands of faults are told in a hundred lines', () => {
  const reals = '      - {address: x}\n'.repeat(5000);
  const lines = errorOf(SOUND + reals).message.split('\n');
  expect(lines).toHaveLength(101);
  expect(lines.at(-1)).toBe('... and 4900 more errors');
});

describe('what is no configuration at all', () => {
  const cases: [description: string, text: string, words: string][] = [
    ['an empty file', '', 'the file is empty'],
    ['comments only', '# nothing\n\n', 'the file is empty'],
    ['a text', 'hello', "found 'hello'; allowed: a mapping with director"],
    ['a list', '- 1\n', 'found a list'],
    ['JSON of the wrong kind', '{"a": 1}', "unknown key 'a'"],
    ['a program', '\x7fELF\x02\x01\0\0', 'U+007F'],
    ['bytes that are not UTF-8', Buffer.from([0x64, 0xff, 0xfe]).toString('utf8'), 'encoded as UTF-8'],
    ['endless nesting', '['.repeat(100_000), 'YAML'],
    ['billions of laughs', bomb(), 'cannot be converted from YAML'],
  ];
  for (const [description, text, words] of cases) {
    test(description, () => {
      const error = errorOf(text);
      expect(error.code).toBe('CONFIG_INVALID');
      expect(error.where).toMatch(/^culvert\.yaml:\d+:\d+$/);
      expect(error.message).toContain(words);
    });
  }
});

/** Each list holds the one before ten times. */
function bomb(): string {
  const lists = [1, 2, 3, 4, 5, 6, 7].map(
    (n) =>
      `l${n}: &l${n} [${Array(10)
        .fill(`*l${n - 1}`)
        .join(', ')}]`,
  );
  return ['l0: &l0 [x]', ...lists].join('\n');
}
