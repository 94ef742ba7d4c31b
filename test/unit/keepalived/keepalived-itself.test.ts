import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseKeepalived } from '../../../src/config/keepalived/parse.ts';
import { keywordOf, placeOf, type Statement } from '../../../src/config/keepalived/statement.ts';
import { translate } from '../../../src/config/keepalived/translate.ts';

/** The real keepalived, asked by `keepalived -t`, which reads a file and ends; and the samples of Debian's package. */
const SAMPLES = '/usr/share/doc/keepalived/samples';
const version = spawnSync('keepalived', ['--version'], { encoding: 'utf8' }).stderr ?? '';
const needed = 'needs keepalived 2.2.7 as root (Debian package keepalived)';
const runs = version.includes('v2.2.7') && process.getuid?.() === 0;
const samples = existsSync(SAMPLES)
  ? readdirSync(SAMPLES).filter((name) => name.startsWith('keepalived.conf.'))
  : [];

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'culvert-keepalived-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

interface Complaint {
  readonly line: number;
  readonly text: string;
}

/** What keepalived says of words and braces; it has more to say about this machine. */
function complaintsOfKeepalived(path: string, configId = 'lb1'): Complaint[] {
  const { stderr } = spawnSync('keepalived', ['-t', '-i', configId, '-f', path], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  const found = [
    ...stderr.matchAll(
      /^\((?:[^\s()]+: )?Line (\d+)\) (Unknown keyword .*|Extra .*|Unexpected .*|Missing .*)$/gm,
    ),
  ];
  const complaints = found.map(([, line, text = '']) => ({ line: Number(line), text }));
  // Each of its processes reads the file and complains.
  const unique = new Map(complaints.map((complaint) => [`${complaint.line} ${complaint.text}`, complaint]));
  return [...unique.values()];
}

interface Judged {
  readonly statements: readonly Statement[];
  readonly lines: readonly number[];
}

/** The same of culvert's reader: lines with unknown words, or with braces that do not fit. */
function judge(path: string): Judged {
  const { statements, findings } = parseKeepalived(readFileSync(path, 'utf8'), {
    fileName: path,
    configId: 'lb1',
  });
  const structural = findings.errors.length > 0;
  if (!structural) translate(statements, findings);
  const about = findings.errors.filter(({ message }) => structural || message.startsWith('unknown keyword'));
  return { statements, lines: [...new Set(about.map(({ line }) => line))].sort((a, b) => a - b) };
}

/** culvert does not look into blocks that are not about load balancing. */
function isOutside(line: number, statements: readonly Statement[]): boolean {
  const block = statements.findLast((statement) => placeOf(statement).line <= line);
  return block !== undefined && /^(?:vrrp|static|track|garp|bfd)_/.test(keywordOf(block));
}

describe.skipIf(!runs || samples.length === 0)(`Debian's samples (${needed})`, () => {
  test('are all there', () => expect(samples).toHaveLength(25));
  for (const name of samples) {
    test(name, () => {
      const path = join(SAMPLES, name);
      const { statements, lines } = judge(path);
      const theirs = complaintsOfKeepalived(path).map(({ line }) => line);
      expect(lines).toEqual(theirs.filter((line) => !isOutside(line, statements)));
    });
  }
});

const SERVER = 'virtual_server 192.0.2.10 80 {\n lb_algo rr\n lb_kind TUN\n protocol TCP\n';

describe.skipIf(!runs)(`keepalived itself refuses the same lines (${needed})`, () => {
  const cases: [description: string, text: string][] = [
    [
      'a sound file',
      `${SERVER} real_server 10.0.0.1 80 {\n weight 1\n TCP_CHECK { connect_port 80 }\n }\n}\n`,
    ],
    ['an unknown keyword outside', `nonsense\n${SERVER} real_server 10.0.0.1 80 {\n }\n}\n`],
    ['one in a virtual server', `${SERVER} nonsense 1\n real_server 10.0.0.1 80 {\n }\n}\n`],
    ['one in a real server', `${SERVER} real_server 10.0.0.1 80 {\n lb_kind TUN\n }\n}\n`],
    ['one in a check', `${SERVER} real_server 10.0.0.1 80 {\n TCP_CHECK {\n helo_name x\n }\n }\n}\n`],
    ['one in global_defs', 'global_defs {\n router_id a\n nonsense\n}\n'],
    ['a brace too many', `${SERVER} real_server 10.0.0.1 80 {\n }\n}\n}\n`],
    [
      'every keyword of a virtual server',
      `${SERVER} ${'delay_loop 6,retry 2,warmup 1,connect_timeout 3,delay_before_retry 2,inhibit_on_failure,persistence_timeout 50,ha_suspend,smtp_alert on,virtualhost a,alpha,omega,quorum 1,hysteresis 0,sorry_server 10.0.0.9 80,sorry_server_inhibit'.split(',').join('\n ')}\n real_server 10.0.0.1 80 {\n ${'weight 1,lvs_method TUN,uthreshold 9,lthreshold 3,inhibit_on_failure,alpha on,retry 2,delay_before_retry 1,warmup 1,connect_timeout 3,delay_loop 5,smtp_alert on,virtualhost b'.split(',').join('\n ')}\n }\n}\n`,
    ],
    ...(['TCP', 'SMTP', 'PING', 'UDP', 'DNS'] as const).map((kind): [string, string] => [
      `the keywords of ${kind}_CHECK`,
      `${SERVER} real_server 10.0.0.1 80 {\n ${kind}_CHECK {\n connect_ip 10.0.0.1\n connect_port 80\n bindto 10.0.0.2\n bind_port 9\n connect_timeout 3\n fwmark 1\n retry 0\n delay_before_retry 1\n warmup 1\n delay_loop 5\n alpha on\n log_all_failures on\n }\n }\n}\n`,
    ]),
  ];
  for (const [description, text] of cases) {
    test(description, () => {
      const path = join(directory, 'case.conf');
      writeFileSync(path, text);
      const theirs = complaintsOfKeepalived(path).map(({ line }) => line);
      expect(judge(path).lines).toEqual([...new Set(theirs)]);
    });
  }
});

describe.skipIf(!runs)(`keepalived itself comes to the same lines (${needed})`, () => {
  // keepalived names each line that it does not know by its first word. Left out is what 2.2.7 itself garbles: a
  // condition that a definition brings, and `\#`, which its second process takes for a comment.
  const cases: [description: string, text: string][] = [
    ['definitions', '$A=w1\n$A\n${A}x\n$A.y\n$AB\n$B=${A}z\n${B}\n$A=w2\n${B}\n'],
    ['conditions', '@lb1 w1\n@lb2 w2\n@^lb1 w3\n@^lb2 w4\n'],
    [
      'bodies',
      '$R= \\\n r${N} \\\n s${N}\n\n$B= \\\n $N=1 \\\n $R \\\n @lb2 no \\\n $N=2 \\\n $R \\\n t\n\n$B\nu\n',
    ],
    [
      'sequences',
      '~SEQ(A, 0, 3) a${A}\n~SEQ(B,3) b${B}\n~SEQ(C,-2) c${C}\n~SEQ(D,4,-2,0) d${D}\n~SEQx(E, 0x90, 0x10, 0xb0) e${E}\n',
    ],
    ['nested sequences', '~SEQ(A,1,2) ~SEQ(B,5,-1,4) w${A}.${B}\n'],
    ['lists', '~LST(A, x, y) a${A}\n~LST({B, C}, {10,1},{20},{5,6}) b${B}.${C}\n'],
    ['lists and bodies', '$W= \\\n w${I} \\\n v${I}\n\n~LST(I, 1, 2) $W\n'],
    ['quotations and comments', 'a"b c"\n"d # e" # f\ng!h\n'],
  ];
  for (const [description, text] of cases) {
    test(description, () => {
      const path = join(directory, 'lines.conf');
      writeFileSync(path, text);
      const { statements, findings } = parseKeepalived(text, { fileName: path, configId: 'lb1' });
      expect(findings.errors).toEqual([]);
      const theirs = complaintsOfKeepalived(path).map((complaint) => /'(.*)'$/.exec(complaint.text)?.[1]);
      expect([...new Set(statements.map(keywordOf))]).toEqual([...new Set(theirs)]);
    });
  }
});
