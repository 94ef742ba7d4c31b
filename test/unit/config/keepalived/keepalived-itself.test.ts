import { describe, expect, test } from 'vitest';
import { keywordOf } from '../../../../src/config/keepalived/text/statement.ts';
import { parse } from './read.ts';
import { complaintsOf, judge, needed, runs, temporaryFile } from './real-keepalived.ts';

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
    [
      'a source of the other family',
      `${SERVER} real_server 10.0.0.1 80 {\n TCP_CHECK {\n bindto 2001:db8::1\n }\n }\n}\n`,
    ],
    [
      'one of the family that is connected to',
      `${SERVER} real_server 10.0.0.1 80 {\n TCP_CHECK {\n connect_ip 2001:db8::2\n bindto 2001:db8::1\n }\n }\n}\n`,
    ],
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
      using file = temporaryFile(text);
      const theirs = complaintsOf(file.path).map(({ line }) => line);
      expect(judge(file.path).lines).toEqual([...new Set(theirs)]);
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
      using file = temporaryFile(text);
      const { statements, findings } = parse(text);
      expect(findings.errors).toEqual([]);
      const theirs = complaintsOf(file.path).map((complaint) => /'(.*)'$/.exec(complaint.text)?.[1]);
      expect([...new Set(statements.map(keywordOf))]).toEqual([...new Set(theirs)]);
    });
  }
});
