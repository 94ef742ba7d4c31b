import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CONTINUED, wrapWords } from '../../../../src/cli/tables/wrap-words.ts';

test('breaks between words, and keeps room for what is in front', () => {
  expect(wrapWords('one two three', 16)).toEqual(['      one two', '      three']);
  expect(wrapWords('one two three', 16, 9)).toEqual(['one two', '      three']);
  expect(wrapWords('one two three', 16, 14)).toEqual(['', '      one two', '      three']);
  expect(wrapWords('', 16, 9)).toEqual(['']);
});

test('no word is lost, and only a word that is too long exceeds the width', () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,30}$/), { maxLength: 20 });
  fc.assert(
    fc.property(words, fc.integer({ min: 20, max: 80 }), fc.option(fc.nat(60)), (given, width, taken) => {
      const lines = wrapWords(given.join(' '), width, taken ?? undefined);
      expect(lines.join(' ').split(' ').filter(Boolean)).toEqual(given);
      for (const [at, line] of lines.entries()) {
        const length = line.length + (at === 0 ? (taken ?? 0) : 0);
        const isOneWord = !line.trim().includes(' ');
        expect(length <= width || isOneWord, JSON.stringify(line)).toBe(true);
        if (at > 0) expect(line.startsWith(CONTINUED)).toBe(true);
      }
    }),
  );
});
