import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromExactJson, toExactJson } from '../../../../src/director/journal/exact-json.ts';

const leaf = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.bigInt(),
  fc.uint8Array({ maxLength: 4 }).map((bytes) => Uint8Array.from(bytes)),
);
const key = fc.string({ maxLength: 5 }).filter((text) => text !== '__proto__');
const { value: anyValue } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, leaf, tie('object'), tie('list'), tie('map'), tie('set')),
  object: fc.dictionary(key, tie('value'), { noNullPrototype: true }),
  list: fc.array(tie('value'), { maxLength: 4 }),
  map: fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
  set: fc.uniqueArray(fc.string(), { maxLength: 4 }).map((values) => new Set(values)),
}));

test('reading what was written gives an equal value, with all its keys', () => {
  const property = fc.property(anyValue, (value) => {
    const wrapped = { value };
    expect(fromExactJson(toExactJson(wrapped))).toStrictEqual(wrapped);
  });
  fc.assert(property);
});

test('bytes of a Buffer are read as bytes, and a line is a line', () => {
  const text = toExactJson({ bytes: Buffer.from('00ff', 'hex'), text: 'a\nb' });
  expect(text).toBe('{"bytes":{"$bytes":"00ff"},"text":"a\\nb"}');
  expect(fromExactJson(text)).toEqual({ bytes: Uint8Array.of(0, 255), text: 'a\nb' });
});
