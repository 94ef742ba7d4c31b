import { describe, expect, test } from 'vitest';
import { printYaml } from '../../../src/config/keepalived/print-yaml.ts';
import { parseConfig } from '../../../src/config/parse-config.ts';
import { errorsOf, FILE, read } from './read.ts';

/** A sound file; each case replaces one piece of it. */
const SOUND = `virtual_server 192.0.2.10 80 {
    delay_loop 6
    lvs_sched wrr
    lvs_method TUN
    protocol TCP
    real_server 10.0.3.2 80 {
        weight 3
        TCP_CHECK {
            connect_timeout 2.5
            retry 3
        }
    }
}
`;

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
    ['switches that are off', 'weight 3', 'weight 3\nalpha off\ninhibit_on_failure no', [sound]],
    [
      'what asks for nothing',
      'protocol TCP',
      'protocol TCP\nquorum 1\nhysteresis 0\nip_family inet',
      [sound],
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
      'all ports',
      '192.0.2.10 80',
      '192.0.2.10 0',
      [{ ...changed({ check: { ...check, port: 80 } }), port: 'all' }],
    ],
    [
      'no port is all',
      '192.0.2.10 80',
      '192.0.2.10',
      [{ ...changed({ check: { ...check, port: 80 } }), port: 'all' }],
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
    'virtual_server_group G {\n 192.0.2.1 80\n 192.0.2.3-4 81\n 192.0.2.254-192.0.3.0 82\n 198.51.100.9/31 83\n}\n';
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
    'virtual_server_group G {\n 2001:db8::fe-101 80\n 2001:db8::1ff-2001:db8::200\n 2001:db8::303/127 81\n}\n';
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

test('the imported YAML: one line for each real, a common check once, each service with its line', () => {
  const second =
    '    real_server 10.0.4.2 80 {\n        TCP_CHECK {\n            connect_timeout 2.5\n            retry 3\n        }\n    }\n}\n';
  const text = `! a comment\n${SOUND.replace(/\}\n$/, second)}`;
  expect(printYaml(read(text), FILE)).toBe(`# From keepalived.conf, by culvert import.
# Checks go direct to the real servers, as keepalived's do; "via: tunnel" also tests the tunnel.

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

describe('what culvert has not got is an error at its place', () => {
  const cases: [from: string, to: string, where: string, words: string[]][] = [
    ['TUN', 'NAT', '4:16', ['lvs_method NAT', 'culvert tunnels only', 'allowed: TUN']],
    ['TUN', 'DR', '4:16', ['lvs_method DR', 'in any subnet', 'allowed: TUN']],
    ['TUN', 'TUN type vxlan', '4:25', ["'vxlan'", 'TUN type gue port PORT']],
    ['TUN', 'TUN type gue', '4:25', ['lvs_method: port is missing']],
    ['TUN', 'TUN type gue port', '4:29', ["found 'port'", 'port PORT']],
    ['TUN', 'TUN type gue port 0', '4:34', ["found '0'"]],
    ['TUN', 'TUN type gre port 47', '4:25', ['port is for tunnels of type gue']],
    ['TUN', 'TUN type ipip csum', '4:25', ['checksum is for tunnels of type gre or gue']],
    ['TUN', 'TUN type gre remcsum', '4:25', ['found remote']],
    ['TUN', 'TUN kind gre', '4:20', ["found 'kind'"]],
    ['    lvs_method TUN\n', '', '1:1', ['no lvs_method', 'NAT', 'allowed: lvs_method TUN']],
    ['weight 3', 'lvs_method DR', '7:20', ['lvs_method DR']],
    ['wrr', 'fancy', '3:15', ['lvs_sched', "'fancy'", 'rr, wrr']],
    ['wrr', 'rr\nsh-port\nflag-3', '5:1', ["culvert's rr has no such flag"]],
    ['protocol TCP', 'protocol DCCP', '5:14', ["'DCCP'", 'TCP, UDP or SCTP']],
    ['protocol TCP', 'sorry_server 10.0.9.9 80', '5:5', ['sorry_server: this version']],
    ['protocol TCP', 'quorum 2', '5:12', ['quorum: this version']],
    ['protocol TCP', 'persistence_timeout 0', '5:25', ["found '0'", 'from 1 to']],
    ['protocol TCP', 'persistence_engine sip', '5:5', ['by their address']],
    ['protocol TCP', 'persistence_granularity 255.0.255.0', '5:29', ["'255.0.255.0'", 'a netmask']],
    ['protocol TCP', 'persistence_granularity 64', '5:29', ['address is IPv4', 'a netmask']],
    ['protocol TCP', 'protocol TCP\nops', '6:1', ['ops: found onePacket with tcp', 'protocol udp']],
    ['protocol TCP', 'ip_family inet6', '5:15', ['address is IPv4', 'allowed: inet']],
    ['protocol TCP', 'alpha', '5:5', ['alpha: real servers count as up']],
    ['protocol TCP', 'quorum_up "/bin/x y"', '5:5', ['runs no commands']],
    ['weight 3', 'notify_down /bin/x', '7:9', ['runs no commands']],
    ['weight 3', 'inhibit_on_failure', '7:9', ['weight 0']],
    ['weight 3', 'uthreshold 9\nlthreshold 10', '8:12', ['lthreshold: found 10', '0 to 9']],
    ['weight 3', 'lthreshold 10', '7:20', ['without upperThreshold']],
    ['TCP_CHECK', 'BFD_CHECK', '8:9', ["no check of type 'bfd'", 'allowed: one of tcp']],
    ['retry 3', 'bindto 10.0.0.1', '10:13', ['bindto', 'source address']],
    ['retry 3', 'connect_ip 10.0.3.9', '10:24', ['allowed: 10.0.3.2']],
    ['weight 3', 'TCP_CHECK { }', '8:9', ['one check for each real server']],
    ['192.0.2.10 80', 'fwmark 1', '1:16', ['virtual_server fwmark', 'firewall mark']],
    ['192.0.2.10 80', 'group G', '1:22', ["'G'", 'none is defined']],
    ['192.0.2.10', 'ff02::1', '1:16', ['of a host', 'ff00::/8']],
    [
      '192.0.2.10 80 {',
      '192.0.2.10 0 {\nreal_server 10.0.4.2 { TCP_CHECK { } }',
      '2:24',
      ['none that could be checked'],
    ],
    ['10.0.3.2', '192.0.2.10', '6:17', ['the VIP of line 1']],
  ];
  for (const [from, to, where, words] of cases) {
    test(to === '' ? 'no method' : to, () => {
      expect(SOUND).toContain(from);
      const errors = errorsOf(SOUND.replace(from, to));
      const line = errors.find((error) => error.startsWith(`${FILE}:${where}: `));
      expect(line, errors.join('\n')).toBeDefined();
      for (const word of words) expect(line).toContain(word);
    });
  }
});

test('a kind of check that is lacking is told once, not with each of its options', () => {
  const errors = errorsOf(SOUND.replace(/TCP_CHECK[^]*?\}/, 'BFD_CHECK {\n name x\n}'));
  expect(errors).toHaveLength(1);
});

describe('what is not needed is a warning at its line, and the rest works', () => {
  const outside = [
    [
      'vrrp_instance VI_1 {\n virtual_ipaddress { 192.0.2.10 }\n}\n',
      '1:1: vrrp_instance is not used: culvert has no VRRP',
    ],
    ['static_routes {\n 10.0.0.0/8 via 10.1.1.1\n}\n', '1:1: static_routes is not used'],
    ['net_namespace lb\n', '1:1: net_namespace is not used: start culvert inside the namespace'],
    [
      'global_defs {\n router_id X\n vrrp_version 3\n}\n',
      '1:1: global_defs: not used by culvert: router_id, vrrp_version',
    ],
  ] as const;
  for (const [text, warning] of outside) {
    test(warning, () => {
      const { config, warnings } = read(text + SOUND);
      expect(config.services).toHaveLength(1);
      expect(warnings).toEqual([expect.stringContaining(`${FILE}:${warning}`)]);
    });
  }

  const inside = [
    ['protocol TCP', 'protocol TCP\nha_suspend', '6:1: ha_suspend is not used'],
    ['protocol TCP', 'protocol TCP x', "5:18: protocol: found 'x'"],
    ['protocol TCP', '', '1:1: virtual_server: no protocol is given; UDP'],
    ['10.0.3.2 80', '10.0.3.2 81', '6:26: real_server: a tunnel leaves the port as it is'],
    [
      /^ {4}real_server[^]*?^ {4}\}\n/m.exec(SOUND)?.[0] ?? '',
      '',
      '1:1: virtual_server: it has no real servers',
    ],
    ['retry 3', 'warmup 3', '10:13: warmup is not used'],
  ] as const;
  for (const [from, to, warning] of inside) {
    test(warning, () => {
      const { warnings } = read(SOUND.replace(from, to));
      expect(warnings).toEqual([expect.stringContaining(`${FILE}:${warning}`)]);
    });
  }
});
