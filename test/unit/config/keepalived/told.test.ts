import { describe, expect, test } from 'vitest';
import { errorsOf, FILE, read, SOUND } from './read.ts';

describe('what culvert has not got is an error at its place', () => {
  const cases: [from: string, to: string, where: string, words: string[]][] = [
    ['TUN', 'NAT', '4:16', ['lvs_method NAT', 'culvert forwards by IP tunnel only', 'allowed: TUN']],
    ['TUN', 'DR', '4:16', ['lvs_method DR', 'in any subnet', 'allowed: TUN']],
    [
      '    lvs_method TUN\n',
      '',
      '1:1',
      ['lvs_method (lb_kind) is missing', 'NAT', 'allowed: lvs_method TUN'],
    ],
    ['weight 3', 'lvs_method DR', '7:20', ['lvs_method DR']],
    ['protocol TCP', 'sorry_server 10.0.9.9\nsorry_server_lvs_method DR', '6:25', ['lvs_method DR']],
    ['protocol TCP', 'sorry_server 192.0.2.10', '5:18', ['the VIP of line 1']],
    ['protocol TCP', 'quorum_up', '5:5', ['found nothing', 'a program']],
    ['protocol TCP', 'quorum_up /bin/x a/b', '5:15', ['a user, or user:group']],
    ['protocol TCP', 'persistence_engine sip', '5:5', ['by client address only']],
    ['protocol TCP', 'persistence_granularity 255.0.255.0', '5:29', ["'255.0.255.0'", 'a netmask']],
    ['protocol TCP', 'persistence_granularity 64', '5:29', ['address is IPv4', 'a netmask']],
    ['weight 3', 'uthreshold 9\nlthreshold 10', '8:12', ['lthreshold: found 10', '0 to 9']],
    ['weight 3', 'lthreshold 10', '7:20', ['without upperThreshold']],
    [
      'virtual_server',
      'SSL {\nkey /etc/key.pem\n}\nvirtual_server',
      '2:1',
      ['key: culvert checks present no client certificate'],
    ],
    ['192.0.2.10 80', 'fwmark 1', '1:16', ['virtual_server fwmark', 'firewall mark']],
    ['192.0.2.10', 'ff02::1', '1:16', ['of a host', 'ff00::/8']],
    [
      '192.0.2.10 80 {',
      '192.0.2.10 0 {\nreal_server 10.0.4.2 { TCP_CHECK { } }',
      '2:24',
      ['no port to check'],
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

describe('what keepalived logs and ignores is a warning at its place, and an error when culvert is to be strict', () => {
  const cases: [from: string, to: string, where: string, words: string[]][] = [
    ['TUN', 'TUN type vxlan', '4:25', ["'vxlan'", 'TUN type gue port PORT']],
    ['TUN', 'TUN type gue', '4:20', ["found 'type'"]],
    ['TUN', 'TUN type gue port', '4:29', ["found 'port'", 'port PORT']],
    ['TUN', 'TUN type gue port 0', '4:34', ["found '0'"]],
    ['TUN', 'TUN type gre port 47', '4:20', ["found 'type'"]],
    ['TUN', 'TUN type ipip csum', '4:20', ["found 'type'"]],
    ['TUN', 'TUN type gre remcsum', '4:20', ["found 'type'"]],
    ['TUN', 'TUN kind gre', '4:20', ["found 'kind'"]],
    ['wrr', 'fancy', '3:15', ['lvs_sched', "'fancy'", 'rr, wrr']],
    ['protocol TCP', 'protocol DCCP', '5:14', ["'DCCP'", 'TCP, UDP or SCTP']],
    ['protocol TCP', 'sorry_server_inhibit', '5:5', ['there is no sorry_server', 'only after one']],
    ['protocol TCP', 'sorry_server 10.0.9', '5:18', ["'10.0.9'", 'an IP address']],
    ['protocol TCP', 'quorum 0', '5:12', ["found '0'", 'from 1 to']],
    ['protocol TCP', 'quorum_up "/bin/x \'y"', '5:15', ['does not end']],
    ['protocol TCP', 'persistence_timeout 0', '5:25', ["found '0'", 'from 1 to']],
    ['protocol TCP', 'ip_family inet6', '5:15', ["found 'inet6'", 'allowed: inet']],
    ['weight 3', 'inhibit_on_failure maybe', '7:28', ["'maybe'", 'on, off']],
    ['192.0.2.10 80', 'group G', '1:22', ["'G'", 'none is defined']],
    [
      'weight 3',
      'notify_up /bin/x nosuch',
      '7:26',
      ["no 'nosuch'", 'ignored', 'put the program and its arguments'],
    ],
    ['weight 3', 'weight 3x', '7:16', ["found '3x'", 'read as 3']],
    ['weight 3', 'notify_up "/bin/gone x"', '7:19', ['no program /bin/gone', 'the command is ignored']],
    ['weight 3', 'MISC_CHECK { misc_path /bin/gone }', '7:32', ['no program /bin/gone', 'check is skipped']],
  ];
  for (const [from, to, where, words] of cases) {
    test(to, () => {
      expect(SOUND).toContain(from);
      const text = SOUND.replace(from, to);
      const lookup = {
        isKnown: true,
        userFault: (name: string) => `there is no '${name}'`,
        programFault: (name: string) => (name === '/bin/gone' ? `there is no program ${name}` : undefined),
      };
      const place = `${FILE}:${where}: `;
      const { warnings } = read(text, { lookup });
      const warning = warnings.find((line) => line.startsWith(place));
      expect(warning, warnings.join('\n')).toBeDefined();
      for (const word of words) expect(warning).toContain(word);
      expect(errorsOf(text, { lookup, strict: true })).toContain(warning);
    });
  }
});

test('a user behind an unquoted program is a warning where nobody knows the users', () => {
  const { warnings } = read(SOUND.replace('weight 3', 'notify_down /bin/x down web1'));
  expect(warnings).toEqual([
    `${FILE}:7:28: notify_down: it runs as down:web1; words after an unquoted program are a user and a group; fix: put the program and its arguments in quotes`,
  ]);
});

describe('what is not needed is a warning at its line, and the rest works', () => {
  const outside = [
    [
      'vrrp_instance VI_1 {\n virtual_ipaddress { 192.0.2.99 }\n}\n',
      '1:1: vrrp_instance: keepalived runs it beside culvert; start it with --vrrp',
    ],
    ['static_routes {\n 10.0.0.0/8 via 10.1.1.1\n}\n', '1:1: static_routes is not used'],
    ['SSL {\n ca /etc/ca.pem\n}\n', '2:2: ca is not used: keepalived verifies nothing with it'],
    ['bfd_instance b {\n neighbor_ip 10.0.0.1\n}\n', '1:1: bfd_instance is not used'],
    ['track_process p {\n process x\n}\n', '1:1: track_process: keepalived runs it'],
    ['net_namespace lb\n', '1:1: net_namespace is not used: start culvert inside the namespace'],
    [
      'global_defs {\n router_id X\n vrrp_version 3\n}\n',
      '1:1: global_defs: culvert does not use router_id, vrrp_version',
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
    ['protocol TCP', 'protocol TCP\nops', '6:1: ops: only allowed with protocol UDP'],
    ['protocol TCP', 'protocol TCP\nha_suspend', '6:1: ha_suspend is not used'],
    ['protocol TCP', 'protocol TCP x', "5:18: protocol: found the extra word 'x'"],
    ['protocol TCP', '', '1:1: virtual_server: protocol is missing; read as UDP'],
    ['10.0.3.2 80', '10.0.3.2 81', '6:26: real_server: a tunnel does not change the port'],
    [
      /^ {4}real_server[^]*?^ {4}\}\n/m.exec(SOUND)?.[0] ?? '',
      '',
      '1:1: virtual_server: it has no real servers',
    ],
    ['protocol TCP', 'protocol TCP\nquorum 4', '6:8: quorum: found 4; read as 3, the weights of all'],
    ['protocol TCP', 'protocol TCP\nhysteresis 1', '6:12: hysteresis: found 1; read as 0, one less'],
    [
      'protocol TCP',
      'protocol TCP\nquorum 2\nhysteresis 2',
      '7:12: hysteresis: found 2; read as 1, one less',
    ],
    ['protocol TCP', 'protocol TCP\nquorum 3\nhysteresis 2', '7:12: hysteresis: found 2; read as 0, so that'],
    [
      'protocol TCP',
      'protocol TCP\nsorry_server 10.0.9.9 81',
      '6:23: sorry_server: a tunnel does not change',
    ],
    ['weight 3', 'weight 3\nnotify_up /bin/x\nnotify_up /bin/y', '9:1: notify_up: the first one counts'],
    ['weight 3', 'weight 3\nsmtp_alert', '8:1: smtp_alert is not used'],
    ['protocol TCP', 'protocol TCP\nsnmp_name x', '6:1: snmp_name is not used'],
  ] as const;
  for (const [from, to, warning] of inside) {
    test(warning, () => {
      const { warnings } = read(SOUND.replace(from, to));
      expect(warnings).toEqual([expect.stringContaining(`${FILE}:${warning}`)]);
    });
  }
});

const OFFSETS = `HTTP_GET {
url {
path /
regex x
regex_min_offset 6
regex_max_offset 5
}
}`;

test('offsets of a regex that leave nothing between them are ignored, as in keepalived', () => {
  const { config, warnings } = read(SOUND.replace('weight 3', OFFSETS));
  expect(warnings).toEqual([
    `${FILE}:11:18: regex_min_offset: found 6, more than regex_max_offset; both are ignored, as in keepalived`,
  ]);
  const probe = { urls: [{ regex: { minOffset: 0, maxOffset: Number.MAX_SAFE_INTEGER } }] };
  expect(config.services[0]?.reals[0]?.checks[0]?.probe).toMatchObject(probe);
  const equal = read(SOUND.replace('weight 3', OFFSETS.replace('6', '5'))).config;
  const own = { urls: [{ regex: { minOffset: 5, maxOffset: 5 } }] };
  expect(equal.services[0]?.reals[0]?.checks[0]?.probe).toMatchObject(own);
});
