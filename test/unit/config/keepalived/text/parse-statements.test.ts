import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseKeepalived } from '../../../../../src/config/keepalived/text/parse-statements.ts';
import { diskFiles, expandBraces } from '../../../../../src/config/keepalived/text/source-files.ts';
import { GRAMMARS } from '../../../../../src/config/keepalived/translate.ts';
import { FILE, linesOf, parse, plain } from '../read.ts';

describe('lines', () => {
  const cases: [description: string, text: string, lines: string[]][] = [
    ['comments of both kinds, anywhere', '! one\na b # two\n  c!three\n', ['a b', 'c']],
    ['a comment sign in quotes', 'a "b # c"\n', ['a b # c']],
    ['one behind a backslash begins a comment all the same', 'd\\#e\n', ['d']],
    ['a definition that begins a comment', '$A=${_HASH}\n$A b\nc ${_BANG} d\n${A}\n', ['c']],
    ['a variable of the environment', '$A=${_ENV HOME}\na ${_ENV NAME} ${_ENV NONE}\n', ['a lb9']],
    ['a quotation is a word of its own', 'abcd" efg  h"jkl', ['abcd  efg  h jkl']],
    ['lines that end as on other systems', 'a b\r\nc\r\n', ['a b', 'c']],
    ['conditions', '@lb1 a\n@lb2 b\n@^lb1 c\n@^lb2 d\n@lb1\n', ['a', 'd']],
    ['a definition', '$A=10.2\n${A}.1 x$A $A\n', ['10.2.1 x10.2 10.2']],
    ['a definition without braces ends at a blank', '$A=1\n$A.5 $AB\n', ['$A.5 $AB']],
    ['an undefined name stays', '$A=1\na $B\n', ['a $B']],
    ['definitions are replaced late', '$A=1${B}\n$B=0\nx${A}\n$B=5\nx${A}\n', ['x10', 'x15']],
    ['an empty definition', '$A=\nx $A y\n', ['x y']],
    ['a condition in a definition', '$IF=@lb1\n$IF a\n$IF2=@lb2\n$IF2 b\n', ['a']],
    ['a body of lines', '$B= \\\n a $N \\\n @lb2 c \\\n # d \\\n e\n$N=1\n$B\nf\n', ['a 1', 'e', 'f']],
    ['an empty line ends a body', '$B= \\\n a \\\n\n b\n$B\n', ['b', 'a']],
    [
      'bodies in bodies',
      '$R= \\\n r$N \\\n s\n$B= \\\n $N=1 \\\n ${R} \\\n $N=2 \\\n $R \\\n t\n$B\n',
      ['r1', 's', 'r2', 's', 't'],
    ],
    ['a sequence', '~SEQ(A, 0, 3) a${A}\n', ['a0', 'a1', 'a2', 'a3']],
    ['a sequence with a step, hexadecimal', '~SEQx(A, 0x90, 0x10, 0xb0) a:$A\n', ['a:90', 'a:a0', 'a:b0']],
    ['a sequence from its end alone', '~SEQ(A,-2) ${A}\n', ['-1', '-2']],
    ['sequences in one another', '~SEQ(A,1,2) ~SEQ(B,5,-1,4) ${A}${B}\n', ['15', '14', '25', '24']],
    ['a list', '~LST(A, x, y) ${A}\n', ['x', 'y']],
    ['a list of sets', '~LST({A, B}, {10,1},{20}, {5,6}) ${A}.${B}\n', ['10.1', '20.', '5.6']],
    ['a body for each of a list', '$B= \\\n a${I} \\\n b${I}\n~LST(I,1,2) $B\n', ['a1', 'b1', 'a2', 'b2']],
    ['a bound that is a definition', '$N=2\n~SEQ(A, 1, $N) ${A}\n', ['1', '2']],
    ['predefined names', '${_INSTANCE} ${_RANDOM 7 7} a\n', ['lb1 7 a']],
  ];
  for (const [description, text, lines] of cases)
    test(description, () => expect(linesOf(text)).toEqual(lines));
});

test('blocks, also in one line or with the brace in the next', () => {
  const text = 'a b {\n c\n d { e f } g {\n}\n}\nh\n{\n i "}" }\n';
  expect(plain(parse(text).statements)).toEqual([
    [
      ['a', 'b'],
      [[['c']], [['d'], [[['e', 'f']]]], [['g'], []]],
    ],
    [['h'], [[['i', '}']]]],
  ]);
});

test('commands are read with escapes and both kinds of quotes', () => {
  const text = String.raw`notify_up "/bin/x \"a\" \x41\102\t" it\'s 'a "b"' c"d e"f` + '\n';
  expect(plain(parse(text).statements)).toEqual([
    [['notify_up', '/bin/x "a" AB\t', "it's", 'a "b"', 'cd ef']],
  ]);
});

test('every word has its place, also behind what was replaced and in an included file', () => {
  const { statements } = parse('$LONG=abcdefghij\n  x ${LONG} y\ninclude sub/b.conf\n', {
    'sub/b.conf': '\n   z { w }\n',
  });
  const places = statements.flatMap(({ words }) => words.map(({ place }) => place));
  expect(places).toEqual([
    { fileName: FILE, line: 2, column: 3 },
    { fileName: FILE, line: 2, column: 5 },
    { fileName: FILE, line: 2, column: 13 },
    { fileName: 'sub/b.conf', line: 2, column: 4 },
  ]);
  expect(statements[1]?.body?.[0]?.words[0]?.place).toEqual({ fileName: 'sub/b.conf', line: 2, column: 8 });
});

test('what stands in a definition is placed there', () => {
  const { statements } = parse('$B= \\\n  a 1 \\\n  b 2\n\n$B\n');
  expect(statements.map(({ words }) => words[1]?.place)).toEqual([
    { fileName: FILE, line: 2, column: 5 },
    { fileName: FILE, line: 3, column: 5 },
  ]);
});

describe('include', () => {
  test('every file that a pattern matches, paths from the including file on', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'culvert-include-'));
    try {
      await mkdir(join(directory, 'conf.d'));
      await writeFile(join(directory, 'conf.d', 'b.conf'), 'b\ninclude c.inc\n');
      await writeFile(join(directory, 'conf.d', 'a.conf'), 'a ${_PWD}\n');
      await writeFile(join(directory, 'conf.d', 'c.inc'), 'c\n');
      const text = 'include conf.d/*.conf\ninclude conf.d/{c.inc,[a-a].con?}\ninclude none/*\nend ${_PWD}\n';
      const fileName = join(directory, 'k.conf');
      const { statements, findings } = parseKeepalived(text, GRAMMARS, {
        fileName,
        configId: '',
        files: diskFiles,
      });
      expect(findings.errors).toEqual([]);
      const words = statements.map((statement) => statement.words.map((word) => word.text).join(' '));
      const inner = `a ${join(directory, 'conf.d')}`;
      expect(words).toEqual([inner, 'b', 'c', 'c', inner, `end ${directory}`]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('what is no regular file is not read', () => {
    for (const path of ['/dev/zero', '/']) {
      const options = { fileName: '/k.conf', configId: '', files: diskFiles };
      const [error] = parseKeepalived(`\ninclude ${path}\n`, GRAMMARS, options).findings.warnings;
      expect(error).toMatchObject({ line: 2, column: 9 });
      expect(error?.message).toContain(`include ${path}: it is not a regular file`);
    }
  });

  test('braces in patterns', () => {
    expect(expandBraces('{foo/{,cat,dog},bar}')).toEqual(['foo/', 'foo/cat', 'foo/dog', 'bar']);
    expect(expandBraces('a}b')).toEqual(['a}b']);
  });
});
