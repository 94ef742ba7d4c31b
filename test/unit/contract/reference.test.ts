import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withTables } from '../../../scripts/reference/page.ts';
import { PAGES } from '../../../scripts/reference.ts';
import { EVENT_TYPES } from '../../../src/contract/api/event-types.ts';
import { configJsonSchema } from '../../../src/contract/reference.ts';

test.for(Object.entries(PAGES))(
  'the tables of docs/reference/%s are those of the code',
  async ([name, tables]) => {
    const page = readFileSync(new URL(`../../../docs/reference/${name}`, import.meta.url), 'utf8');
    const found = Array.from(page.matchAll(/<!-- table (\w+) -->/g), ([, table]) => table);
    expect(found).toEqual(Object.keys(tables));
    expect(await withTables(page, tables), 'fix: node scripts/reference.ts').toBe(page);
  },
);

test('each type of event is used, its meaning is a sentence, and its cells are short', () => {
  const source = readFileSync(new URL('../../../src/contract/api/event-types.ts', import.meta.url), 'utf8');
  const used = sourcesBut(source);
  for (const [type, { levels, meaning, action }] of Object.entries(EVENT_TYPES)) {
    // Those of a failed change are made of its verb.
    const name = type.replace(/^(reload|apply|revert)-failed$/, '$1');
    expect(used, type).toContain(`'${name}'`);
    expect(levels.length, type).toBeGreaterThan(0);
    expect(meaning, type).toMatch(/^[A-Z`].*\.( .*\.)?$|^[A-Z].*\)\.$/);
    expect(Math.max(meaning.length, action.length), type).toBeLessThanOrEqual(160);
  }
});

test('the JSON Schema has types, values, defaults and words of nested options, and no other keys', () => {
  const schema = configJsonSchema();
  expect(schema).toMatchObject({
    required: ['director', 'services'],
    additionalProperties: false,
    properties: {
      director: { properties: { plane: { enum: ['xdp', 'simulated'], default: 'xdp' } } },
      services: {
        items: {
          required: ['vip', 'port', 'reals'],
          properties: {
            scheduler: { default: 'mh', enum: expect.arrayContaining(['wlc', 'mh']) },
            reals: { items: { additionalProperties: false, properties: { weight: { type: 'integer' } } } },
          },
        },
      },
    },
  });
  const words = JSON.stringify(schema).match(/"description":"(?:[^"\\]|\\.)*"/g) ?? [];
  expect(words.length).toBeGreaterThan(100);
  expect(words.filter((text) => /\]\(|`/.test(text))).toEqual([]);
});

/** The text of all files under src except one. */
function sourcesBut(left: string): string {
  return globSync('src/**/*.ts')
    .map((path) => readFileSync(path, 'utf8'))
    .filter((text) => text !== left)
    .join('\n');
}
