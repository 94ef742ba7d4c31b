import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Place } from '../../../src/config/keepalived/place.ts';
import { printKeepalived } from '../../../src/config/keepalived/print.ts';
import { printYaml } from '../../../src/config/keepalived/print-yaml.ts';
import type { Statement } from '../../../src/config/keepalived/statement.ts';
import { parseConfig } from '../../../src/config/parse-config.ts';
import { anyConfig } from './random-config.ts';
import { FILE, parse, plain, read } from './read.ts';

const PLACE: Place = { fileName: FILE, line: 1, column: 1 };

/** Words that no reading can mistake: keepalived has no way to write a quotation mark in most of them. */
const word = fc
  .oneof(
    fc.string({ unit: 'grapheme-ascii', maxLength: 8 }),
    fc.constantFrom('{', '}', '', 'a b', '#', '!', '${A}', '@lb1', 'include', '\\x'),
  )
  .filter((text) => !text.includes('"') && !text.endsWith('\\') && !/\$\{?_/.test(text));
const anyText = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !text.includes('\n'));

const statement: fc.Arbitrary<Statement> = fc.letrec<{ statement: Statement }>((tie) => ({
  statement: fc
    .record({
      words: fc.oneof(
        fc.array(word, { minLength: 1, maxLength: 4 }),
        fc.array(anyText, { maxLength: 3 }).map((texts) => ['notify_up', ...texts]),
      ),
      body: fc.option(fc.array(tie('statement'), { maxLength: 3 }), { nil: undefined, depthSize: 'small' }),
    })
    .map(({ words, body }) => ({ words: words.map((text) => ({ text, place: PLACE })), body })),
})).statement;

test('reading what was printed gives the same statements', () => {
  const property = fc.property(fc.array(statement, { maxLength: 4 }), (statements) => {
    const { statements: again, findings } = parse(printKeepalived(statements));
    expect(findings.errors).toEqual([]);
    expect(plain(again)).toEqual(plain(statements));
  });
  fc.assert(property, { numRuns: 1000 });
});

test('the same configuration in either format is the same, and so is the imported one', () => {
  const property = fc.property(anyConfig, ({ keepalived, yaml }) => {
    const fromKeepalived = read(keepalived, { director: { interface: 'eth0' } });
    expect(fromKeepalived.config).toEqual(parseConfig(yaml, 'culvert.yaml'));
    expect(parseConfig(printYaml(fromKeepalived, FILE), 'culvert.yaml')).toEqual(fromKeepalived.config);
  });
  fc.assert(property, { numRuns: 300 });
});
