import { describe, expect, test } from 'vitest';
import { PLAIN, styleFor } from '../../../../src/cli/tables/style.ts';
import { formatCount, formatTable } from '../../../../src/cli/tables/text-table.ts';
import { Sink } from '../culvert.ts';

const COLUMNS = [{ header: 'NAME' }, { header: 'COUNT', align: 'right' }, { header: 'NOTE' }] as const;

describe('tables', () => {
  test('columns are as wide as their widest cell, numbers stand to the right, nothing trails', () => {
    const rows = [
      ['a', 7, 'first'],
      ['longer name', 1_234_567, ''],
    ];
    expect(formatTable(COLUMNS, rows, PLAIN)).toBe(
      'NAME             COUNT  NOTE\na                    7  first\nlonger name  1,234,567\n',
    );
  });

  test('colours take no part in the widths', () => {
    const style = styleFor(new Sink(true), {});
    const coloured = formatTable(COLUMNS, [[{ text: 'up', colour: 'green' }, 1, 'x']], style);
    expect(coloured).toContain('\u001b[32mup\u001b[0m        1  x');
  });

  test('large numbers are grouped', () => {
    expect([0, 999, 1000, 2 ** 40].map(formatCount)).toEqual(['0', '999', '1,000', '1,099,511,627,776']);
  });
});

describe('colours', () => {
  test.each([
    ['a terminal', true, {}, true],
    ['a pipe', false, {}, false],
    ['NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR, which does not count', true, { NO_COLOR: '' }, true],
    ['a dumb terminal', true, { TERM: 'dumb' }, false],
  ])('%s', (_name, terminal, env, coloured) => {
    expect(styleFor(new Sink(terminal), env)('red', 'x')).toBe(coloured ? '\u001b[31mx\u001b[0m' : 'x');
  });
});
