import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { errorsOf } from './read.ts';
import { judgementOf, needed, runs, temporaryFile } from './real-keepalived.ts';
import { isStricter } from './stricter-errors.ts';

const SCRIPTS = 'global_defs {\n enable_script_security\n script_user root\n}\n';
const HEAD = 'virtual_server 192.0.2.10 80 {\n lvs_sched rr\n protocol TCP\n';

function file(server: string, real = ''): string {
  return `${HEAD} lvs_method TUN\n${server}\n real_server 10.0.0.1 80 {\n${real}\n }\n}\n`;
}

function check(kind: string, ...lines: string[]): string {
  return file('', `${kind} {\n${lines.join('\n')}\n}`);
}

const url = (...lines: string[]): string => check('HTTP_GET', 'url {', ...lines, '}');

interface Stricter {
  /** The beginning of its row in docs/reference/keepalived.md. */
  readonly row: string;
  readonly text: string;
  /** What culvert says. */
  readonly error: RegExp;
  /** keepalived 2.2.7 says something all the same, or ends. */
  readonly complains?: true;
}

const STRICTER: readonly Stricter[] = [
  {
    row: '`lb_kind NAT` or `DR`',
    text: file(' lb_kind NAT'),
    error: /lb_kind NAT: culvert forwards by IP tunnel only/,
  },
  {
    row: '`lb_kind NAT` or `DR`',
    text: file('', 'lvs_method DR'),
    error: /lvs_method DR: culvert forwards by IP tunnel only/,
  },
  {
    row: '`lb_kind NAT` or `DR`',
    text: file('').replace(' lvs_method TUN\n', ''),
    error: /lvs_method \(lb_kind\) is missing/,
    complains: true,
  },
  {
    row: '`fwmark`',
    text: file('').replace('192.0.2.10 80', 'fwmark 1'),
    error: /firewall mark/,
    complains: true,
  },
  {
    row: 'a virtual server whose address two',
    text: `${['A', 'B'].map((name) => `vrrp_instance ${name} {\n virtual_ipaddress {\n 192.0.2.10\n }\n}\n`).join('')}${file('')}`,
    error: /is also an address of vrrp_instance A, in line 3/,
    // Of the interface alone, which no machine is sure to have.
    complains: true,
  },
  { row: '`persistence_engine`', text: file(' persistence_engine sip'), error: /by client address only/ },
  {
    row: '`certificate`, `key`',
    text: `SSL {\n key /etc/key.pem\n}\n${file('')}`,
    error: /key: culvert checks present no client certificate/,
  },
  { row: '`weight` above', text: file('', 'weight 65536'), error: /weight: found 65536; allowed: .*65535/ },
  { row: '`retry` above', text: check('TCP_CHECK', 'retry 1001'), error: /retry: .* to 1000/ },
  { row: 'a time above', text: check('TCP_CHECK', 'delay_loop 90000'), error: /delay_loop: .* to 24h/ },
  {
    row: 'a time above',
    text: SCRIPTS + check('MISC_CHECK', 'misc_path /bin/true', 'misc_timeout 4000'),
    error: /to 1h/,
  },
  { row: 'a time above', text: check('TCP_CHECK', 'delay_loop 0.001'), error: /delay_loop: .* from 10ms/ },
  { row: '`3s`', text: file(' delay_loop 3s'), error: /reads as 3 microseconds/, complains: true },
  {
    row: 'a range of more',
    text: `virtual_server_group G {\n 10.0.0.0/8 80\n}\n${file('').replace('192.0.2.10 80', 'group G')}`,
    error: /at most 65536 addresses/,
  },
  { row: 'a `~SEQ` of more', text: `${file('')}~SEQ(A, 1000001) @none x\n`, error: /up to a million values/ },
  {
    row: 'a `regex` that',
    text: url('path /', 'regex "(?<a>x)(?P=a)"'),
    error: /a regular expression in JavaScript syntax/,
  },
  { row: 'a `regex` that', text: url('path /', 'regex x', 'regex_options extended'), error: /JavaScript/ },
  {
    row: '`regex_max_offset` above',
    text: url('path /', 'regex x', 'regex_max_offset 1048577'),
    error: /1048576/,
  },
  {
    row: '`min_reply_length` above',
    text: check('UDP_CHECK', 'require_reply', 'min_reply_length 9', 'max_reply_length 8'),
    error: /more than max_reply_length/,
    complains: true,
  },
  { row: '`lthreshold` above', text: file('', 'uthreshold 9\nlthreshold 10'), error: /lthreshold: found 10/ },
  { row: '`lthreshold` above', text: file('', 'lthreshold 10'), error: /without upperThreshold/ },
  { row: 'a `path` without', text: url('path x'), error: /a path that begins with/ },
  { row: 'a `path` without', text: url('path "/a b"'), error: /a path that begins with/ },
  {
    row: 'a `helo_name` with',
    text: check('SMTP_CHECK', 'helo_name "a b"'),
    error: /helo_name: found 'a b'/,
  },
  {
    row: 'a `track_file` whose',
    text: `track_file F {\n file run/f\n}\n${check('FILE_CHECK', 'track_file F')}`,
    error: /an absolute path/,
  },
  {
    row: '`persistence_granularity` with',
    text: file(' persistence_granularity 255.0.255.0'),
    error: /persistence_granularity: found '255.0.255.0'/,
  },
  {
    row: '`persistence_granularity` with',
    text: file(' persistence_granularity 64'),
    error: /address is IPv4/,
  },
  {
    row: 'a real server twice',
    text: file(' real_server 10.0.0.1 81 {\n }'),
    error: /listed twice/,
    complains: true,
  },
  {
    row: 'a `virtualhost` with',
    text: url('path /', 'virtualhost "B\u00fcro"'),
    error: /virtualhost: .* a host name/,
  },
  {
    row: 'a `name` in DNS_CHECK',
    text: check('DNS_CHECK', `name ${'a'.repeat(64)}.example`),
    error: /name: .* a domain name/,
  },
  {
    row: 'a user with characters',
    text: SCRIPTS + file('', 'notify_up "/bin/true" a/b'),
    error: /a user, or user:group/,
  },
  { row: 'a real server that', text: file(' real_server 192.0.2.10 80 {\n }'), error: /the VIP of line 1/ },
  {
    row: 'a real server that',
    text: file(' real_server 224.0.0.9 80 {\n }'),
    error: /an IP address of a host/,
  },
];

/** That of the documentation, between its heading and the next. */
function rowsOfDocumentation(): string[] {
  const text = readFileSync(new URL('../../../../docs/reference/keepalived.md', import.meta.url), 'utf8');
  const [, section = ''] = /### Where culvert is stricter\n([^]*?)\n## /.exec(text) ?? [];
  const [, , ...rows] = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.map((row) => row.slice(2));
}

describe('where culvert is stricter', () => {
  test.each(STRICTER)('$row: $error', ({ text, error, complains }) => {
    const errors = errorsOf(text, { director: { interface: 'eth0' } });
    expect(
      errors.every((line) => error.test(line)),
      errors.join('\n'),
    ).toBe(true);
    expect(errors.filter((line) => !isStricter(line))).toEqual([]);
    if (!runs) return;
    using saved = temporaryFile(text);
    const { status } = judgementOf(saved.path);
    expect(status === 0, `${needed}: status ${status}`).toBe(complains !== true);
  });

  /** What keepalived does not end by itself with; bad-input.test.ts has it. */
  const NOT_RUN = ['a file that includes itself'];

  test('every row of the documentation is one of these, and the other way round', () => {
    const rows = rowsOfDocumentation();
    expect(rows.length).toBeGreaterThan(15);
    const known = [...new Set(STRICTER.map(({ row }) => row)), ...NOT_RUN];
    for (const row of rows)
      expect(
        known.some((begin) => row.startsWith(begin)),
        row,
      ).toBe(true);
    for (const begin of known)
      expect(
        rows.some((row) => row.startsWith(begin)),
        begin,
      ).toBe(true);
  });
});
