import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseKeepalivedConfig } from '../../../../src/config/keepalived/parse-keepalived-config.ts';
import { CulvertError } from '../../../../src/errors.ts';
import { errorsOf, FILE, filesOf } from './read.ts';

const REAL = 'real_server 10.0.3.2 80 { }';

describe('each fault names its place and what is allowed', () => {
  const cases: [description: string, text: string, where: string, words: string[]][] = [
    [
      'an unclosed brace',
      `a\nvirtual_server 192.0.2.10 80 {\n ${REAL}\n`,
      '2:1',
      ['virtual_server', 'not closed'],
    ],
    ['a brace too many', `virtual_server 192.0.2.10 80 {\n ${REAL}\n}\n}\n`, '4:1', ['one } too many']],
    ['a brace without a keyword', '\n {\n}\n', '2:2', ['unexpected {']],
    [
      'an unknown keyword',
      'virtual_sever 192.0.2.10 80 {\n}\n',
      '1:1',
      ["'virtual_sever'", "did you mean 'virtual_server'"],
    ],
    [
      'one in a block',
      `virtual_server 192.0.2.10 80 {\n delay_lop 3\n}\n`,
      '2:2',
      ["did you mean 'delay_loop'"],
    ],
    [
      'one in a real server',
      `virtual_server 192.0.2.10 80 {\n real_server 10.0.0.1 { wieght 1\n }\n}\n`,
      '2:25',
      ["'wieght'", 'in real_server'],
    ],
    [
      'one in a check',
      `virtual_server 192.0.2.10 80 {\n real_server 10.0.0.1 { TCP_CHECK {\nconect_port 1 } } }\n`,
      '3:1',
      ['in TCP_CHECK'],
    ],
    ['one in global_defs', 'global_defs {\n routr_id x\n}\n', '2:2', ["did you mean 'router_id'"]],
    ['a name of JavaScript', 'constructor\n', '1:1', ["unknown keyword 'constructor'"]],
    [
      'a weight out of range',
      `virtual_server 192.0.2.10 80 {\n real_server 10.0.0.1 { weight 65536\n }\n}\n`,
      '2:32',
      ['found', '0 to 65535'],
    ],
    ['a port out of range', 'virtual_server 192.0.2.10 70000 {\n}\n', '1:27', ["'70000'", '1 to 65535']],
    [
      'a timer out of range',
      `virtual_server 192.0.2.10 80 {\n delay_loop 0\n}\n`,
      '2:13',
      ['seconds', 'above 0'],
    ],
    [
      'a timer beyond culvert',
      `virtual_server 192.0.2.10 80 {\n lvs_method TUN\n delay_loop 90000\n real_server 10.0.0.1 { TCP_CHECK { } }\n}\n`,
      '3:13',
      ['delay_loop', '24h'],
    ],
    [
      'a switch',
      `virtual_server 192.0.2.10 80 {\n real_server 10.0.0.1 { alpha maybe\n }\n}\n`,
      '2:31',
      ["'maybe'", 'on, off'],
    ],
    ['a value that is missing', `virtual_server 192.0.2.10 80 {\n delay_loop\n}\n`, '2:2', ['found nothing']],
    ['a block that is missing', 'virtual_server 192.0.2.10 80\n', '1:1', ['not closed']],
    [
      'no address',
      `virtual_server 192.0.2.256 80 {\n ${REAL}\n}\n`,
      '1:16',
      ["'192.0.2.256'", 'an IP address'],
    ],
    ['no address, and nothing else either', 'virtual_server 192.0.2 80 {\n}\n', '1:16', ["'192.0.2'"]],
    ['a group too large', 'virtual_server_group G {\n 10.0.0.0/8 80\n}\n', '2:2', ['at most 65536']],
    ['a quotation without end', 'a "b c\n', '1:3', ['does not end']],
    ['a repetition', '~SEQ(A, 5, 1, 2) x\n', '1:1', ['~SEQ']],
    ['a repetition without end', '~SEQ(A, 0, 0, 2) x\n', '1:1', ['~SEQ']],
    ['a repetition of too many', '~SEQ(A, 2000000) x\n', '1:1', ['up to a million values']],
    ['a list of too many', '~LST({A}, {1,2}) x\n', '1:1', ['~LST']],
    ['a definition of itself', '$A=${A}x\ny ${A}\n', '2:1', ['contains itself']],
    ['a definition that doubles', '$A=${B}${B}\n$B=${A}${A}\ny ${A}\n', '3:1', ['deep']],
    ['a bomb', '~SEQ(A,1,2000) ~SEQ(B,1,2000) x\n', '1:31', ['more than 1000000 lines']],
    ['blocks in blocks', `vrrp_instance ${'a { '.repeat(1000)}`, '1:217', ['50 deep']],
    ['a line without end', 'x'.repeat(20_000), '1:1', ['20000 characters']],
    ['binary rubbish', 'abc\n\x7fELF\x02\x01\0\0', '2:1', ['U+007F', 'a text file']],
    ['an include that is missing', '\ninclude none.conf\n', '2:9', ['none.conf', 'there is no such file']],
    ['a byte order mark', '\uFEFFvirtual_server 192.0.2.10 80 {\n}\n', '1:1', ['U+FEFF']],
    ['an include of nothing', 'includew none*\n', '1:10', ['no file matches']],
  ];
  for (const [description, text, where, words] of cases) {
    test(description, () => {
      const errors = errorsOf(text, { strict: true });
      const line = errors.find((error) => error.startsWith(`${FILE}:${where}: `));
      expect(line, errors.join('\n')).toBeDefined();
      for (const word of words) expect(line).toContain(word);
    });
  }
});

test.each([
  ['MISC_CHECK {\n}', 'MISC_CHECK: the program is missing'],
  ['HTTP_GET {\n}', 'HTTP_GET: url is missing'],
  ['HTTP_GET {\nurl {\npath /\nregex "(a"\n}\n}', "regex: found '(a'"],
  ['HTTP_GET {\nurl {\npath /\nstatus_code 99999\n}\n}', "status_code: found '99999'"],
])('%j is told once', (check, message) => {
  const service = `virtual_server 192.0.2.10 80 {\nlvs_method TUN\nlvs_sched rr\nprotocol TCP\nreal_server 10.0.3.2 {\n${check}\n}\n}\n`;
  const errors = errorsOf(service, { strict: true });
  expect(errors).toHaveLength(1);
  expect(errors[0]).toContain(message);
});

test('an include that includes itself', () => {
  const [error] = errorsOf('include a.conf\n', {
    files: { 'a.conf': 'x\n  include b.conf\n', 'b.conf': 'include a.conf\n' },
  });
  expect(error).toBe(
    `b.conf:1:9: include a.conf: the file includes itself, through ${FILE} > a.conf > b.conf`,
  );
});

test('errors of several files are told together, each with its own place', () => {
  const files = { 'a.conf': '\nrubbish\n' };
  const errors = errorsOf('include a.conf\nnonsense\n', { files, strict: true });
  expect(errors.map((error) => error.split(': ')[0])).toEqual([`${FILE}:2:1`, 'a.conf:2:1']);
});

test('50 MB are refused by their size, without a look at what they hold', () => {
  const text = 'virtual_server 192.0.2.10 80 {\n'.repeat(50_000_000 / 31);
  expect(errorsOf(text)).toEqual([
    expect.stringMatching(/^keepalived\.conf:1:1: it has \d+ bytes; allowed: up to/),
  ]);
});

test('whatever the text, it is read or refused with a place', () => {
  const piece = fc.constantFrom(
    'virtual_server',
    'real_server',
    'TCP_CHECK',
    'global_defs',
    '192.0.2.10',
    '80',
    '{',
    '}',
    '\n',
    '\n',
    ' ',
    '"',

    '$A=',
    '${A}',
    '$A',
    '\\',
    '\\\n',
    '~SEQ(',
    '~LST({',
    '1,2',
    ')',
    ',',
    '@lb1 ',
    '@^x ',
    '#',
    '!',
    "'",
    'include x',

    'lvs_timeouts',
    'quorum_up',
    'hysteresis',
    'sorry_server',
    'sorry_server_inhibit',
    'HTTP_GET',
    'MISC_CHECK',
    'UDP_CHECK',
    'url',
    'path',
    'regex',
    'regex_options',
    'status_code',
    'misc_path',
    'require_reply',
    'bindto',
    'track_file',
    'FILE_CHECK',
    'file',
    'script_user',
    'SSL',
    'alpha',
    '-3 reverse',
    'tcp',
    'notify_up',
    'weight',
    'lvs_method TUN type gue',
    'persistence_granularity',
    '2001:db8::1-f',
    '65536',
    'virtual_server_group',
    '1-9',
    '/',
    '\u00e9',
    '\ud800',
  );
  const text = fc.oneof(
    fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join('')),
    fc.string({ unit: 'binary' }),
  );
  const property = fc.property(text, (sample) => {
    try {
      const files = filesOf({ x: 'weight 1\n' });
      parseKeepalivedConfig(sample, FILE, { configId: 'lb1', director: { plane: 'simulated' }, files });
    } catch (error) {
      if (!(error instanceof CulvertError)) throw error;
      for (const line of error.message.split('\n'))
        expect(line).toMatch(/^(?:\S+:\d+:\d+: \S|\.\.\. and \d+ more errors)/);
    }
  });
  fc.assert(property, { numRuns: 2000 });
});
