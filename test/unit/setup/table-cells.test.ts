import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PAGES = globSync(['docs/guides/*.md', 'docs/reference/*.md'], { cwd: ROOT });
/** A longer cell is hard to read beside others. */
const LONGEST = 160;

test('there are pages', () => expect(PAGES.length).toBeGreaterThan(10));

test.each(PAGES)('no cell of a table in %s is longer than 160 characters', (page) => {
  const rows = readFileSync(`${ROOT}/${page}`, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('|'));
  const cells = rows.flatMap((row) => row.split(/(?<!\\)\|/).map((cell) => cell.trim()));
  expect(cells.filter((cell) => cell.length > LONGEST)).toEqual([]);
});
