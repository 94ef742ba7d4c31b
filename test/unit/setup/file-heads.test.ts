import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SOURCES = fileURLToPath(new URL('../../../src', import.meta.url));

/** An optional interpreter line, an optional SPDX line, then one or two lines that end with a full stop. */
const HEAD = /^(?:#!.*\n)?(?:\/\/ SPDX-.*\n)?\/\/ ([\p{L}`].*(?:\n\/\/ .*)?)\.(?:\n(?!\/\/)|$)/u;
/** Words by which a fragment begins: "What a plane counted.", "As IPVS does.", "Of the outer packet." */
const FRAGMENT = /^(?:What|Those|As|Of|Whether|How|Where|Who|Whose|Which|None|Undefined|Whoever|Whatever)\b/;
const DOC_COMMENT = /^[ \t]*\/\*\*[ \t]*(?:\n[ \t]*\*[ \t]*)?(.*)/gm;

const texts = new Map(
  readdirSync(SOURCES, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => [relative(SOURCES, file), readFileSync(file, 'utf8')] as const),
);
const heads = new Map([...texts].map(([file, text]) => [file, HEAD.exec(text)?.[1]] as const));

test('every source file begins with a line that says what is in it', () => {
  expect(heads.size).toBeGreaterThan(500);
  expect([...heads].filter(([, head]) => head === undefined).map(([file]) => file)).toEqual([]);
});

test('no two source files describe themselves by the same line', () => {
  const lines = [...heads.values()].filter((head) => head !== undefined);
  expect(lines.filter((line, i) => lines.indexOf(line) !== i)).toEqual([]);
});

test('a line at the head of a file does not begin as a fragment', () => {
  expect([...heads].filter(([, head = '']) => FRAGMENT.test(head))).toEqual([]);
});

test('a doc comment begins with a verb or a noun phrase, not as a fragment', () => {
  const comments = [...texts].flatMap(([file, text]) =>
    [...text.matchAll(DOC_COMMENT)].map(([, first = '']) => `${file}: ${first}`),
  );
  expect(comments.length).toBeGreaterThan(3000);
  expect(comments.filter((comment) => FRAGMENT.test(comment.slice(comment.indexOf(': ') + 2)))).toEqual([]);
});
