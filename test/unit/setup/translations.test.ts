/** Holds each Chinese page to its English original: the commands, their output and the pages that they link. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { expect, test } from 'vitest';

const GUIDES = 'docs/guides';
const CHINESE_GUIDES = join(GUIDES, 'zh-CN');

const guides = pagesIn(GUIDES);
/** Each English page with its Chinese one. */
const pairs: [string, string][] = [
  ['README.md', 'README.zh-CN.md'],
  ...guides.map((page): [string, string] => [join(GUIDES, page), join(CHINESE_GUIDES, page)]),
];

test('every guide has a Chinese page, and every Chinese page has an original', () => {
  expect(guides.length).toBeGreaterThan(5);
  expect(pagesIn(CHINESE_GUIDES)).toEqual(guides);
});

test.each(pairs)('%s and %s link each other', (english, chinese) => {
  expect(linksOf(english)).toContain(chinese);
  expect(linksOf(chinese)).toContain(english);
});

test.each(pairs)('%s and %s show the same commands, files and output', (english, chinese) => {
  expect(examplesIn(chinese)).toEqual(examplesIn(english));
});

test.each(pairs)('%s and %s link the same pages, in the reader’s language', (english, chinese) => {
  const wanted = linksOf(english).filter((page) => page !== chinese);
  const found = linksOf(chinese).filter((page) => page !== english);
  expect(found.filter((page) => inChinese(page) !== page)).toEqual([]);
  expect(asSet(found)).toEqual(asSet(wanted.map(inChinese)));
});

function pagesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.md'))
    .toSorted();
}

/** The indented lines without comments at their ends, which are translated. */
function examplesIn(page: string): string[] {
  return [...readFileSync(page, 'utf8').matchAll(/^ {4}.*$/gm)].map(([line]) => line.replace(/\s+# .*$/, ''));
}

/** The pages and folders of the project that `page` links. */
function linksOf(page: string): string[] {
  return [...readFileSync(page, 'utf8').matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link.replace(/#.*/, ''))
    .filter((link) => link !== '' && !/^[a-z]+:/.test(link))
    .map((link) => relative('.', normalize(join(dirname(page), link))));
}

/** The Chinese page or folder for an English one; the page itself if it is not translated. */
function inChinese(page: string): string {
  if (page === GUIDES) return CHINESE_GUIDES;
  return pairs.find(([english]) => english === page)?.[1] ?? page;
}

function asSet(pages: readonly string[]): string[] {
  return [...new Set(pages)].toSorted();
}
