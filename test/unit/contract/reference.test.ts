import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withTables } from '../../../scripts/reference.ts';
import { configJsonSchema } from '../../../src/contract/reference.ts';

const PAGE = readFileSync(new URL('../../../docs/reference/configuration.md', import.meta.url), 'utf8');

test('the tables of docs/reference/configuration.md are what the contracts say (node scripts/reference.ts)', () => {
  expect(withTables(PAGE)).toBe(PAGE);
  expect(PAGE.match(/<!-- table \w+ -->/g)).toHaveLength(9);
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
