import { describe, expect, test } from 'vitest';
import { printYaml } from '../../../../../src/config/keepalived/print-yaml.ts';
import { parseConfig } from '../../yaml.ts';
import { errorsOf, FILE, read } from '../read.ts';

/** Not the simulated network, which has no servers for some kinds. */
const DIRECTOR = { director: { interface: 'eth0' } };

/** A file with this in its only real server, and other blocks in front of it. */
function fileWith(checks: string, { before = '', around = '', real = '' } = {}): string {
  return `${before}virtual_server 192.0.2.10 80 {
lvs_method TUN
protocol TCP
delay_loop 20
${around}
real_server 10.0.3.2 80 {
${real}
${checks}
}
}
`;
}

const USUAL = { interval: '20s', timeout: '5s', retries: 1, retryDelay: '1s' };
const DIRECT = { ...USUAL, via: 'direct' };
const HTTP = { type: 'http', ...DIRECT, retryDelay: '3s', httpVersion: '1.0' };
const SLASH = [{ path: '/' }];

describe("each kind has keepalived's defaults, and its own keywords", () => {
  const cases: [
    description: string,
    checks: string,
    check: object,
    parts?: Parameters<typeof fileWith>[1],
  ][] = [
    ['TCP_CHECK', 'TCP_CHECK { }', { type: 'tcp', ...DIRECT }],
    [
      'a connection from and to elsewhere',
      'TCP_CHECK {\nconnect_ip 10.0.9.9\nconnect_port 81\nbindto 10.0.0.1\nbind_port 82\nbind_if eth1\nfwmark 3\n}',
      {
        type: 'tcp',
        ...DIRECT,
        address: '10.0.9.9',
        port: 81,
        mark: 3,
        bind: { address: '10.0.0.1', port: 82, interface: 'eth1' },
      },
    ],
    ['PING_CHECK', 'PING_CHECK { }', { type: 'ping', ...DIRECT }],
    ['HTTP_GET', 'HTTP_GET { url { path / } }', { ...HTTP, urls: SLASH }],
    ['SSL_GET', 'SSL_GET { url { path / } }', { ...HTTP, type: 'https', urls: SLASH }],
    [
      'urls with all that they may have',
      `HTTP_GET {
url {
path /a
digest 640205B7B0FC66C1EA91C463FAC6334D
status_code 200-299 404
virtualhost a.example
}
url {
path /b
status_code 500
status_code 503
regex "^x \\"y\\\\d+\\" z"
regex_no_match
regex_options caseless multiline dotall ungreedy nonsense
regex_min_offset 5
regex_max_offset 9
regex_stack 1 2
}
http_protocol 1.1
virtualhost b.example
fast_recovery
}`,
      {
        ...HTTP,
        rotate: true,
        fastRecovery: true,
        httpVersion: '1.1',
        virtualHost: 'b.example',
        urls: [
          {
            path: '/a',
            virtualHost: 'a.example',
            status: ['200-299', '404'],
            digest: '640205b7b0fc66c1ea91c463fac6334d',
          },
          {
            path: '/b',
            status: ['500', '503'],
            regex: {
              pattern: '^x "y\\d+" z',
              options: ['caseless', 'multiline', 'dotall', 'ungreedy'],
              mustNotMatch: true,
              minOffset: 5,
              maxOffset: 9,
            },
          },
        ],
      },
    ],
    [
      'the virtual host of the real server goes before that of the virtual server',
      'HTTP_GET { url { path / } }',
      { ...HTTP, virtualHost: 'inner.example', urls: SLASH },
      { around: 'virtualhost outer.example', real: 'virtualhost inner.example' },
    ],
    [
      'the name that TLS asks for',
      'SSL_GET {\nenable_sni\nurl { path / } }',
      { ...HTTP, type: 'https', virtualHost: 'outer.example', sni: true, urls: SLASH },
      { around: 'virtualhost outer.example' },
    ],
    [
      'nb_get_retry, the old name',
      'HTTP_GET {\nnb_get_retry 4\nhttp_protocol 1.0C\nurl { path / } }',
      { ...HTTP, retries: 4, httpVersion: '1.0C', urls: SLASH },
    ],
    ['SMTP_CHECK', 'SMTP_CHECK { }', { type: 'smtp', ...DIRECT, helo: 'smtpchecker.keepalived.org' }],
    ['helo_name', 'SMTP_CHECK { helo_name "a.example" }', { type: 'smtp', ...DIRECT, helo: 'a.example' }],
    [
      'a host of SMTP_CHECK that is the only one',
      'SMTP_CHECK {\nretry 4\nhost {\nconnect_port 587\nconnect_timeout 2\nretry 9\n}\n}',
      {
        type: 'smtp',
        ...DIRECT,
        timeout: '2s',
        retries: 9,
        port: 587,
        helo: 'smtpchecker.keepalived.org',
      },
    ],
    ['DNS_CHECK', 'DNS_CHECK { }', { type: 'dns', ...DIRECT, retries: 3, retryDelay: '20s', queryName: '.' }],
    [
      'a question',
      'DNS_CHECK {\ntype dnskey\nname example.org\n}',
      {
        type: 'dns',
        ...DIRECT,
        retries: 3,
        retryDelay: '20s',
        queryType: 'DNSKEY',
        queryName: 'example.org',
      },
    ],
    ['UDP_CHECK', 'UDP_CHECK { }', { type: 'udp', ...DIRECT }],
    [
      'any reply',
      'UDP_CHECK { require_reply }',
      { type: 'udp', ...DIRECT, reply: 'any', maxReplyLength: 255 },
    ],
    [
      'bytes as the manual writes them',
      'UDP_CHECK {\npayload Ab12f 3 456 546443123\nrequire_reply "1xX3 x"\nmin_reply_length 2\nmax_reply_length 9\n}',
      {
        type: 'udp',
        ...DIRECT,
        payload: 'ab120f0345065464431203',
        reply: '1xx30x',
        minReplyLength: 2,
        maxReplyLength: 9,
      },
    ],
    [
      'MISC_CHECK, which takes as long as the interval of the virtual server',
      `MISC_CHECK {\nmisc_path "/bin/x 'a b' c"\ndelay_loop 30\n}`,
      {
        type: 'misc',
        ...USUAL,
        interval: '30s',
        timeout: '20s',
        retries: 0,
        command: ['/bin/x', 'a b', 'c'],
      },
    ],
    [
      'what MISC_CHECK may have',
      'MISC_CHECK {\nmisc_path /bin/x\nmisc_timeout 7\nmisc_dynamic\n}',
      { type: 'misc', ...USUAL, timeout: '7s', retries: 0, command: ['/bin/x'], dynamic: true },
    ],
    [
      'FILE_CHECK, as its tracked file says',
      'FILE_CHECK { track_file F }',
      {
        type: 'file',
        ...USUAL,
        interval: '10s',
        retries: 0,
        file: '/run/f',
        weight: -3,
        reverse: true,
      },
      { before: 'track_file F {\nfile /run/f\nweight -3 reverse\n}\n', around: 'retry 7' },
    ],
    [
      'FILE_CHECK with a weight of its own',
      'FILE_CHECK {\ntrack_file F\nweight 0\n}',
      {
        type: 'file',
        ...USUAL,
        interval: '10s',
        retries: 0,
        file: '/run/f',
        weight: 0,
        reverse: false,
      },
      { before: 'vrrp_track_file F {\nfile /run/f\n}\n' },
    ],
    [
      'timing at all levels',
      'TCP_CHECK {\nretry 0\n}',
      {
        type: 'tcp',
        interval: '3s',
        timeout: '2s',
        retries: 0,
        retryDelay: '0ms',
        warmup: '4s',
        alpha: true,
        via: 'direct',
      },
      {
        around: 'connect_timeout 2\nretry 8\nalpha\ndelay_before_retry 9\nwarmup 4',
        real: 'delay_loop 3\ndelay_before_retry 0',
      },
    ],
  ];
  for (const [description, checks, check, parts] of cases) {
    test(description, () => {
      const text = fileWith(checks, parts);
      const { plain, config } = read(text, DIRECTOR);
      expect(plain.services[0]?.reals).toEqual([{ address: '10.0.3.2', weight: 1, check }]);
      expect(parseConfig(printYaml(read(text, DIRECTOR), FILE), 'culvert.yaml')).toEqual(config);
    });
  }
});

describe('what is wrong in a check is told at its place', () => {
  const cases: [checks: string, where: string, words: string[]][] = [
    ['HTTP_GET { }', '8:1', ['HTTP_GET: url is missing', 'url { path']],
    ['HTTP_GET { url { } }', '8:12', ['url: path is missing']],
    ['HTTP_GET { url { path x } }', '8:23', ['path:', 'begins with /']],
    ['HTTP_GET { url { status_code 99 } }', '8:30', ["found '99'", '100 to 599']],
    ['HTTP_GET { url { status_code 300-200 } }', '8:30', ["found '300-200'"]],
    ['HTTP_GET { url { digest 12 } }', '8:25', ["found '12'", '32 hexadecimal']],
    ['HTTP_GET { url {\npath /\nregex ( } }', '10:7', ['regex:', 'a regular expression']],
    [
      'HTTP_GET { url {\npath /\nregex x\nregex_options extended } }',
      '11:15',
      ["JavaScript's regular expressions"],
    ],
    ['HTTP_GET { http_protocol 2 }', '8:26', ["found '2'", '1.0, 1.0C, 1.1']],
    ['HTTP_GET { url { pth / } }', '8:18', ["unknown keyword 'pth'", 'in url']],
    ['HTTP_GET { misc_path x }', '8:12', ['in HTTP_GET']],
    ['DNS_CHECK { type ANY }', '8:18', ["found 'ANY'", 'one of A, NS']],
    ['DNS_CHECK { name a..b }', '8:18', ['name:', 'a domain name']],
    ['UDP_CHECK { payload 1g }', '8:21', ["found '1g'", 'hexadecimal']],
    ['UDP_CHECK { payload xx }', '8:21', ["found 'xx'"]],
    [
      'UDP_CHECK {\nrequire_reply\nmin_reply_length 300\n}',
      '10:18',
      ['more than max_reply_length', '0 to 255'],
    ],
    ['UDP_CHECK { max_reply_length 65536 }', '8:30', ['0 to 65535']],
    ['MISC_CHECK { }', '8:1', ['MISC_CHECK: the program is missing', 'misc_path']],
    ['MISC_CHECK { connect_timeout 3 }', '8:14', ["unknown keyword 'connect_timeout'"]],
    ['MISC_CHECK {\nmisc_path /x\nmisc_timeout 4000\n}', '10:14', ['misc_timeout', '1h']],
    ['FILE_CHECK { track_file G }', '8:25', ["found 'G'", 'none is defined']],
    ['FILE_CHECK { retry 3 }', '8:14', ["unknown keyword 'retry'"]],
    ['FILE_CHECK { weight 1 x }', '8:23', ["found 'x'", 'reverse']],
    ['TCP_CHECK { bindto 10.0.0 }', '8:20', ["found '10.0.0'", 'an IP address']],
    ['TCP_CHECK {\nbindto 2001:db8::1\n}', '9:8', ['bindto: found 2001:db8::1', 'cannot reach 10.0.3.2']],
    ['TCP_CHECK { bind_port 0 }', '8:23', ["found '0'", '1 to 65535']],
    ['TCP_CHECK { bind_if a/b }', '8:21', ["found 'a/b'", 'a network interface']],
    ['TCP_CHECK { fwmark -3 }', '8:20', ["found '-3'", '0 to 4294967295']],
    ['TCP_CHECK { connect_ip x }', '8:24', ["found 'x'", 'an IP address']],
    ['TCP_CHECK { warmup x }', '8:20', ["found 'x'", 'seconds']],
    ['TCP_CHECK {\nretry 1001\n}', '9:7', ['retry:', '0 to 1000']],
  ];
  for (const [checks, where, words] of cases) {
    test(checks, () => {
      const errors = errorsOf(fileWith(checks), { ...DIRECTOR, strict: true });
      const line = errors.find((error) => error.startsWith(`${FILE}:${where}: `));
      expect(line, errors.join('\n')).toBeDefined();
      for (const word of words) expect(line).toContain(word);
    });
  }
});

test('several checks of a real server, hosts of SMTP_CHECK among them', () => {
  const text = fileWith(`TCP_CHECK { }
SMTP_CHECK {
connect_port 26
host { connect_port 27 }
host { connect_port 28 }
}
MISC_CHECK { misc_path /bin/x }
PING_CHECK { warmup 1 }`);
  const { plain, config } = read(text, DIRECTOR);
  const smtp = { type: 'smtp', ...DIRECT, helo: 'smtpchecker.keepalived.org' };
  expect(plain.services[0]?.reals).toEqual([
    {
      address: '10.0.3.2',
      weight: 1,
      checks: [
        { type: 'tcp', ...DIRECT },
        { ...smtp, port: 26 },
        { ...smtp, port: 27 },
        { ...smtp, port: 28 },
        { type: 'misc', ...USUAL, timeout: '20s', retries: 0, command: ['/bin/x'] },
        { type: 'ping', ...DIRECT, warmup: '1s' },
      ],
    },
  ]);
  expect(parseConfig(printYaml(read(text, DIRECTOR), FILE), 'culvert.yaml')).toEqual(config);
});

test('script_user is for the commands that name no user', () => {
  const text = fileWith('', {
    before: 'global_defs {\nscript_user www-data staff\n}\n',
    around: 'quorum_up /bin/x nobody\nquorum_down /bin/y',
    real: 'notify_up /bin/z',
  });
  expect(read(text, DIRECTOR).plain.services).toMatchObject([
    {
      onQuorumUp: { user: 'nobody' },
      onQuorumDown: { user: 'www-data:staff' },
      reals: [{ onUp: { command: ['/bin/z'], user: 'www-data:staff' } }],
    },
  ]);
});
