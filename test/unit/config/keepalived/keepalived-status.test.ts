import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CulvertError } from '../../../../src/errors.ts';
import { anyConfig } from './random-config.ts';
import { read } from './read.ts';
import { judgementOf, needed, runs, temporaryFile, type Verdict } from './real-keepalived.ts';
import { isStricter } from './stricter-errors.ts';

const DIRECTOR = { director: { interface: 'eth0' } };

/** keepalived wants scripts to be allowed; and with `-t` and a script of another user it ends itself by SIGTERM. */
function forKeepalived(text: string): string {
  const allowed = 'global_defs {\n enable_script_security\n script_user root\n}\n';
  return allowed + text.replaceAll(/" nobody( nogroup)?$/gm, '"');
}

function theirs(text: string): Verdict {
  using file = temporaryFile(forKeepalived(text));
  return judgementOf(file.path);
}

interface Ours {
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

function ours(text: string, strict = false): Ours {
  try {
    return { errors: [], warnings: read(text, { ...DIRECTOR, strict }).warnings };
  } catch (error) {
    if (!(error instanceof CulvertError)) throw error;
    return { errors: error.message.split('\n'), warnings: [] };
  }
}

describe.skipIf(!runs)(`keepalived -t and culvert agree about what is sound (${needed})`, () => {
  test('both take random configurations', () => {
    const property = fc.property(anyConfig, ({ keepalived }) => {
      const { status, said } = theirs(keepalived);
      expect(said).toBe('');
      expect(status).toBe(0);
      expect(ours(keepalived).errors).toEqual([]);
    });
    fc.assert(property, { numRuns: 40 });
  });

  /** What keepalived 2.2.7 refuses wrongly. */
  const FAULTS_OF_KEEPALIVED = [
    // read_hex_str() takes bytes that end with ff for an error of its own.
    /Invalid hex string/,
    // dns_name_handler() takes a first label of one letter for an empty one.
    /has empty label/,
  ];

  const WORDS =
    '0 1 -1 +5 70000 4294967296 99999999 1.5 .5 1e3 x on off TUN weight 10.0.0.1 2001:db8::1 "a"'.split(' ');

  test('of a wrong word both complain, or neither', () => {
    const mutated = fc.tuple(anyConfig, fc.nat(), fc.constantFrom(...WORDS)).map(([config, place, word]) => {
      const text = config.keepalived;
      // What is in quotation marks is another program's.
      const words = [...text.matchAll(/(?<![^\s])[^\s"']+(?![^\s])/g)];
      const chosen = words[place % words.length];
      const at = chosen?.index ?? 0;
      return text.slice(0, at) + word + text.slice(at + (chosen?.[0].length ?? 0));
    });
    const property = fc.property(mutated, (text) => {
      const { status, said } = theirs(text);
      // Now and then it crashes.
      fc.pre(status !== null);
      const { errors, warnings } = ours(text);
      const alone = errors.filter((error) => !isStricter(error));
      if (status === 0) expect(alone).toEqual([]);
      else if (errors.length === 0 && warnings.length === 0)
        for (const line of said.trim().split('\n'))
          expect(
            FAULTS_OF_KEEPALIVED.some((pattern) => pattern.test(line)),
            line,
          ).toBe(true);
    });
    // Without shrinking, which asks keepalived hundreds of times.
    fc.assert(property, { numRuns: 100, endOnFailure: true });
  }, 120_000);

  const SERVER = 'virtual_server 192.0.2.10 80 {\n lb_algo rr\n lb_kind TUN\n protocol TCP\n';
  const REAL = ' real_server 10.0.0.1 80 {\n';
  const complete = (server: string, real = ''): string => `${SERVER}${server}\n${REAL}${real}\n }\n}\n`;
  /** keepalived says what it takes instead, and so does culvert; both go on. */
  const told: readonly (readonly [text: string, warning: string])[] = [
    ['virtual_server 192.0.2.10 80 {\n}\n', 'it has no real servers'],
    [complete('').replace(' protocol TCP\n', ''), 'protocol is missing; read as UDP'],
    [complete('').replace(' lb_algo rr\n', ''), 'lvs_sched is missing; read as wlc'],
    [complete('').replace('10.0.0.1 80', '10.0.0.1 81'), 'so 80 is used instead of port 81'],
    [complete('').replace('192.0.2.10 80', '192.0.2.10'), '6 minutes'],
    [complete(' ops'), 'only allowed with protocol UDP'],
    [complete(' quorum 2'), 'read as 1'],
    [complete(' hysteresis 1'), 'read as 0'],
    [complete(' sorry_server 10.0.9.9 81'), 'so 80 is used instead of port 81'],
    [complete(' sorry_server 10.0.0.1 80\n sorry_server_inhibit'), 'inhibit_on_failure applies to it: off'],
    [complete(' quorum_up /bin/true\n quorum_up /bin/true'), 'the first one counts'],
    [complete('', 'HTTP_GET {\nnb_get_retry 3\nurl {\npath /\n}\n}'), 'nb_get_retry is an old name'],
    [`virtual_server_group G {\n}\n${complete('')}`, 'it has no entries'],
  ];
  for (const [text, warning] of told) {
    test(`both tell what they take instead: ${warning}`, () => {
      expect(theirs(text).status).not.toBe(0);
      expect(ours(text)).toEqual({ errors: [], warnings: [expect.stringContaining(warning)] });
    });
  }

  /** keepalived complains and goes on, and so does culvert. */
  const refused: readonly string[] = [
    complete(' quorum 0'),
    complete(' retry 0'),
    complete(' weight 0'),
    complete(' persistence_timeout 2678401'),
    complete(' lb_algo x'),
    complete(' sorry_server_inhibit'),
    complete('', 'retry 0'),
    complete('', 'connect_timeout 4295'),
    complete('', 'inhibit_on_failure x'),
    complete('', 'TCP_CHECK {\nconnect_port 0\n}'),
    complete('', 'HTTP_GET {\nurl {\npath /\ndigest 1\n}\n}'),
    complete('', 'MISC_CHECK {\n}'),
    complete('', 'FILE_CHECK {\ntrack_file X\n}'),
    'virtual_server_group G {\n 192.0.2.9/29 80\n}\n',
    'virtual_server_group G {\n 192.0.2.9-3 80\n}\n',
    'virtual_server_group G {\n 192.0.2.9-192.0.2.3 80\n}\n',
    'nonsense\n',
  ];
  for (const text of refused) {
    test(`both complain of ${JSON.stringify(text.replace(SERVER, ''))}`, () => {
      expect(theirs(text).status).not.toBe(0);
      const { errors, warnings } = ours(text);
      expect(errors).toEqual([]);
      expect(warnings).not.toEqual([]);
      expect(ours(text, true).errors).not.toEqual([]);
    });
  }
});
