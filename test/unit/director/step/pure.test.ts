import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const SOURCES = join(import.meta.dirname, '../../../../src/director');

/** What would make a step depend on more than its arguments. */
const IMPURE = [
  /\bDate\.now\b/,
  /\bnew Date\(\)/,
  /\bperformance\b/,
  /\bset(?:Timeout|Interval|Immediate)\b/,
  /\bMath\.random\b/,
  /\bprocess\./,
  /\bawait\b/,
  /from 'node:(?!util')/,
];

test.each(['step', 'world'])('%s/ has no clock, timer, randomness or file', async (room) => {
  const files = await readdir(join(SOURCES, room));
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) {
    const text = await readFile(join(SOURCES, room, file), 'utf8');
    for (const impure of IMPURE) expect(`${file}: ${impure.exec(text)?.[0] ?? 'pure'}`).toBe(`${file}: pure`);
  }
});
