import { describe, expect, test } from 'vitest';
import { printYaml } from '../../../../src/config/keepalived/print-yaml.ts';
import { parseConfig } from '../yaml.ts';
import { FILE, read, SOUND } from './read.ts';

describe('translations', () => {
  const check = {
    type: 'tcp',
    interval: '6s',
    timeout: '2500ms',
    retries: 3,
    retryDelay: '1s',
    via: 'direct',
  };
  const sound = {
    vip: '192.0.2.10',
    protocol: 'tcp',
    port: 80,
    scheduler: 'wrr',
    tunnel: 'ipip',
    reals: [{ address: '10.0.3.2', weight: 3, check }],
  };
  const changed = (part: object): object => ({
    ...sound,
    reals: [{ address: '10.0.3.2', weight: 3, ...part }],
  });
  const cases: [description: string, from: string, to: string, services: object[]][] = [
    ['as it is', '', '', [sound]],
    ['the old names', 'lvs_sched wrr\n    lvs_method', 'lb_algo wrr\n    lb_kind', [sound]],
    ['the type of tunnel written out', 'TUN', 'TUN type ipip', [sound]],
    ['the method at the real server', '    lvs_method TUN\n', '', [sound]],
    ['no check', /TCP_CHECK[^]*?\}\n/.exec(SOUND)?.[0] ?? '', '', [changed({ check: 'none' })]],
    ['the default weight', 'weight 3', '', [changed({ weight: 1, check })]],
    ['the weight of the virtual server', 'weight 3', '', [changed({ weight: 7, check })]],
    ['without a protocol UDP, as keepalived has it', 'protocol TCP', '', [{ ...sound, protocol: 'udp' }]],
    ['keepalived has a minute', 'delay_loop 6', '', [changed({ check: { ...check, interval: '60s' } })]],
    ['the default timeout', 'connect_timeout 2.5', '', [changed({ check: { ...check, timeout: '5s' } })]],
    ['the default number of retries', 'retry 3', '', [changed({ check: { ...check, retries: 1 } })]],
    ['no retries', 'retry 3', 'retry 0', [changed({ check: { ...check, retries: 0 } })]],
    ['another port', 'retry 3', 'retry 3\nconnect_port 81', [changed({ check: { ...check, port: 81 } })]],
    [
      'the port written at the real server',
      '10.0.3.2 80',
      '10.0.3.2 81',
      [changed({ check: { ...check, port: 81 } })],
    ],
    ['the address that is checked anyway', 'retry 3', 'retry 3\nconnect_ip 10.0.3.2', [sound]],
    [
      'switches that are off',
      'weight 3',
      'weight 3\nalpha off\ninhibit_on_failure no',
      [changed({ inhibitOnFailure: false, check: { ...check, alpha: false } })],
    ],
    [
      'what asks for nothing',
      'protocol TCP',
      'protocol TCP\nquorum 1\nhysteresis 0\nip_family inet',
      [{ ...sound, quorum: 1, hysteresis: 0 }],
    ],
    ['mh hashes addresses', 'wrr', 'mh', [{ ...sound, scheduler: 'mh', hashOn: 'source' }]],
    ['mh with ports', 'wrr', 'mh\nmh-port\nmh-fallback', [{ ...sound, scheduler: 'mh', hashOn: 'flow' }]],
    ['any scheduler', 'wrr', 'lblcr', [{ ...sound, scheduler: 'lblcr' }]],
    ['keepalived has wlc', 'lvs_sched wrr', '', [{ ...sound, scheduler: 'wlc' }]],
    ['sh', 'wrr', 'sh', [{ ...sound, scheduler: 'sh' }]],
    [
      'sh with its flags',
      'wrr',
      'sh\nsh-port\nsh-fallback',
      [{ ...sound, scheduler: 'sh', schedulerFlags: ['sh-port', 'sh-fallback'] }],
    ],
    ['sh by number', 'wrr', 'sh\nflag-1', [{ ...sound, scheduler: 'sh', schedulerFlags: ['sh-fallback'] }]],
    ['GRE', 'TUN', 'TUN type gre', [{ ...sound, tunnel: 'gre' }]],
    [
      'GRE with checksums',
      'TUN',
      'TUN type gre csum',
      [{ ...sound, tunnel: { type: 'gre', checksum: 'full' } }],
    ],
    [
      'GUE',
      'TUN',
      'TUN type gue port 5555 remcsum',
      [{ ...sound, tunnel: { type: 'gue', port: 5555, checksum: 'remote' } }],
    ],
    [
      'a tunnel of its own',
      'weight 3',
      'weight 3\nlvs_method TUN type gue port 6080 nocsum',
      [changed({ tunnel: { type: 'gue', port: 6080, checksum: 'none' }, check })],
    ],
    [
      'thresholds',
      'weight 3',
      'weight 3\nuthreshold 9\nlthreshold 4',
      [changed({ upperThreshold: 9, lowerThreshold: 4, check })],
    ],
    ['protocols in small letters', 'protocol TCP', 'protocol tcp', [sound]],
    [
      'quorum and what follows from it',
      'protocol TCP',
      'protocol TCP\nquorum 2\nhysteresis 1\nquorum_up "/bin/up \'a b\' c"\nquorum_down /bin/down nobody nogroup\nomega',
      [
        {
          ...sound,
          quorum: 2,
          hysteresis: 1,
          onQuorumUp: { command: ['/bin/up', 'a b', 'c'] },
          onQuorumDown: { command: ['/bin/down'], user: 'nobody:nogroup' },
          omega: true,
        },
      ],
    ],
    [
      'a sorry server',
      'protocol TCP',
      'protocol TCP\nsorry_server 10.0.9.9 80\nsorry_server_inhibit\nsorry_server_lvs_method TUN type gre',
      [{ ...sound, sorryServer: { address: '10.0.9.9', weight: 1, tunnel: 'gre', inhibit: true } }],
    ],
    [
      'a sorry server that is reached as the rest',
      'protocol TCP',
      'protocol TCP\nsorry_server 10.0.9.9',
      [{ ...sound, sorryServer: { address: '10.0.9.9', weight: 1 } }],
    ],
    [
      'the director itself as sorry server',
      'protocol TCP',
      'protocol TCP\nsorry_server 127.0.0.1 80',
      [{ ...sound, sorryServer: { address: '127.0.0.1', weight: 1 } }],
    ],
    [
      'commands of a real server',
      'weight 3',
      'weight 3\nnotify_up "/bin/up ${_BANG}"\nnotify_down /bin/down\nnotify_down /bin/other',
      [changed({ onUp: { command: ['/bin/up', '!'] }, onDown: { command: ['/bin/down'] }, check })],
    ],
    [
      'inhibition for all real servers',
      'protocol TCP',
      'protocol TCP\ninhibit_on_failure',
      [changed({ inhibitOnFailure: true, check })],
    ],
    [
      'alpha for all real servers',
      'protocol TCP',
      'protocol TCP\nalpha',
      [changed({ check: { ...check, alpha: true } })],
    ],
    [
      'how a check begins and what it tells',
      'retry 3',
      'retry 3\nwarmup 0\nalpha\nlog_all_failures on',
      [changed({ check: { ...check, warmup: '0ms', alpha: true, logAllFailures: true } })],
    ],
    ['SCTP', 'protocol TCP', 'protocol SCTP', [{ ...sound, protocol: 'sctp' }]],
    ['one packet', 'protocol TCP', 'protocol UDP\nops', [{ ...sound, protocol: 'udp', onePacket: true }]],
    [
      'persistence',
      'protocol TCP',
      'protocol TCP\npersistence_timeout 50',
      [{ ...sound, persistence: { timeout: '50s' } }],
    ],
    [
      'its default time',
      'protocol TCP',
      'protocol TCP\npersistence_timeout',
      [{ ...sound, persistence: { timeout: '6m' } }],
    ],
    [
      'networks of clients',
      'protocol TCP',
      'protocol TCP\npersistence_granularity 255.255.240.0',
      [{ ...sound, persistence: { timeout: '6m', prefix: 20 } }],
    ],
    ['IPv6', '192.0.2.10 80', '2001:db8::10 80', [{ ...sound, vip: '2001:db8::10' }]],
    [
      'IPv6 real servers',
      '10.0.3.2',
      '2001:db8::2',
      [{ ...sound, reals: [{ address: '2001:db8::2', weight: 3, check }] }],
    ],
    ['the family that it is', 'protocol TCP', 'protocol TCP\nip_family inet', [sound]],
    [
      'all ports, with the persistence that keepalived sets then',
      '192.0.2.10 80',
      '192.0.2.10 0',
      [{ ...changed({ check: { ...check, port: 80 } }), port: 'all', persistence: { timeout: '6m' } }],
    ],
    [
      'no port is all',
      '192.0.2.10 80 {',
      '192.0.2.10 {\npersistence_timeout 9',
      [{ ...changed({ check: { ...check, port: 80 } }), port: 'all', persistence: { timeout: '9s' } }],
    ],
    ['mh with ports by number', 'wrr', 'mh\nflag-1\nflag-2', [{ ...sound, scheduler: 'mh', hashOn: 'flow' }]],
  ];
  for (const [description, from, to, services] of cases) {
    test(description, () => {
      expect(SOUND).toContain(from);
      let text = SOUND.replace(from, to);
      if (description.startsWith('the method at'))
        text = text.replace('weight 3', 'weight 3\nlvs_method TUN');
      if (description.startsWith('the weight of')) text = text.replace('protocol', 'weight 7\nprotocol');
      const { plain, config } = read(text);
      expect(plain.services).toEqual(services);
      expect(parseConfig(printYaml(read(text), FILE), 'culvert.yaml')).toEqual(config);
    });
  }
});

test('the innermost level that speaks of timing counts', () => {
  const text = `virtual_server 192.0.2.10 80 {
    lvs_sched rr
    lvs_method TUN
    protocol TCP
    delay_loop 10
    connect_timeout 4
    retry 5
    delay_before_retry 0
    real_server 10.0.3.2 80 {
        delay_loop 20
        retry 6
        TCP_CHECK {
            delay_loop 30
        }
    }
    real_server 10.0.4.2 80 {
        TCP_CHECK { }
    }
}
`;
  const [service] = read(text).config.services;
  expect(service?.reals.map((real) => real.checks)).toMatchObject([
    [{ intervalMs: 30_000, timeoutMs: 4000, retries: 6, retryDelayMs: 0 }],
    [{ intervalMs: 10_000, timeoutMs: 4000, retries: 5, retryDelayMs: 0 }],
  ]);
});

test('a group is a service for each of its addresses, at the line of its own', () => {
  const group =
    'virtual_server_group G {\n 192.0.2.1 80\n 192.0.2.3-4 81\n 192.0.2.254-192.0.3.0 82\n 198.51.100.8/31 83\n}\n';
  const { plain, places } = read(
    group + SOUND.replace('192.0.2.10 80', 'group G').replace('10.0.3.2 80', '10.0.3.2'),
  );
  const endpoints = plain.services.map((service) => [service['vip'], service['port']].join(':'));
  expect(endpoints).toEqual([
    '192.0.2.1:80',
    '192.0.2.3:81',
    '192.0.2.4:81',
    '192.0.2.254:82',
    '192.0.2.255:82',
    '192.0.3.0:82',
    '198.51.100.8:83',
    '198.51.100.9:83',
  ]);
  expect(places.map((place) => place?.line)).toEqual([2, 3, 3, 4, 4, 4, 5, 5]);
});

test('a group of IPv6 addresses, and of all ports', () => {
  const group =
    'virtual_server_group G {\n 2001:db8::fe-101 80\n 2001:db8::1ff-2001:db8::200\n 2001:db8::302/127 81\n}\n';
  const { plain } = read(group + SOUND.replace('192.0.2.10 80', 'group G'));
  expect(plain.services.map(({ vip, port }) => [vip, port])).toEqual([
    ['2001:db8::fe', 80],
    ['2001:db8::ff', 80],
    ['2001:db8::100', 80],
    ['2001:db8::101', 80],
    ['2001:db8::1ff', 'all'],
    ['2001:db8::200', 'all'],
    ['2001:db8::302', 81],
    ['2001:db8::303', 81],
  ]);
});

test('a service whose real servers have several tunnels has that of the first', () => {
  const more =
    'real_server 10.0.4.2 80 { lvs_method TUN }\nreal_server 10.0.5.2 80 { lvs_method TUN type gre }\n';
  const text = SOUND.replace('    lvs_method TUN\n', '').replace('    real_server', `${more}    real_server`);
  const { plain } = read(text.replace('weight 3', 'weight 3\nlvs_method TUN'));
  expect(plain.services).toMatchObject([
    { tunnel: 'ipip', reals: [{ address: '10.0.4.2' }, { tunnel: 'gre' }, { address: '10.0.3.2' }] },
  ]);
});

test('timeouts and the instance are director settings; what is asked for outside the file goes first', () => {
  const { config } = read(`instance lb\nglobal_defs {\n lvs_timeouts tcp 7200 tcpfin 30 udp 60\n}\n${SOUND}`);
  expect(config.director).toMatchObject({
    instance: 'lb',
    timeouts: { establishedMs: 7_200_000, finWaitMs: 30_000, udpMs: 60_000 },
  });
});

test('a timeout of 0 is left as it is', () => {
  const { config } = read(`global_defs {\n lvs_timeouts tcp 0 tcpfin 30\n}\n${SOUND}`);
  expect(config.director.timeouts).toMatchObject({ establishedMs: 900_000, finWaitMs: 30_000 });
});

test('the imported YAML: one line for each real, a common check once, each service with its line', () => {
  const second =
    '    real_server 10.0.4.2 80 {\n        TCP_CHECK {\n            connect_timeout 2.5\n            retry 3\n        }\n    }\n}\n';
  const text = `! a comment\n${SOUND.replace(/\}\n$/, second)}`;
  expect(printYaml(read(text), FILE)).toBe(`# From keepalived.conf, by culvert import.
# Checks connect directly to the real servers, as in keepalived; "via: tunnel" also tests the tunnel.

director:
  plane: simulated
services:
  # keepalived.conf:2
  - vip: 192.0.2.10
    protocol: tcp
    port: 80
    scheduler: wrr
    tunnel: ipip
    check: {type: tcp, interval: 6s, timeout: 2500ms, retries: 3, retryDelay: 1s, via: direct}
    reals:
      - {address: 10.0.3.2, weight: 3}
      - {address: 10.0.4.2, weight: 1}
`);
});

test('the imported YAML has one line for each option, too', () => {
  const text = SOUND.replace('wrr', 'sh\nsh-port\npersistence_timeout 60').replace(
    'TUN',
    'TUN type gue port 6080',
  );
  expect(printYaml(read(text), FILE)).toContain(`
    scheduler: sh
    schedulerFlags: [sh-port]
    persistence: {timeout: 1m}
    tunnel: {type: gue, port: 6080}
`);
});
