import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { codeTermsOf, longestTerm, queryTerms, shortestTerm, termsOf } from './terms.ts';

/** Whether a search finds a text with these terms. */
const finds = (query: string, terms: string[]): boolean => {
  const wanted = queryTerms(query);
  return (
    wanted.length > 0 &&
    wanted.every(({ term, prefix }) => terms.some((one) => (prefix ? one.startsWith(term) : one === term)))
  );
};

/** Letters of a script, from one code point to another. */
const letters = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => String.fromCodePoint(from + index));
const spaced = [
  letters(0x61, 0x7a),
  [...letters(0xc0, 0xd6), ...letters(0xd8, 0xf6), ...letters(0xf8, 0x17f)],
  letters(0x3b1, 0x3c9),
  letters(0x410, 0x44f),
  letters(0x5d0, 0x5ea),
  letters(0x627, 0x63a),
  letters(0x905, 0x939),
  letters(0x1e900, 0x1e943),
  letters(0x30, 0x39),
];
const unspaced = [
  letters(0x4e00, 0x4e80),
  letters(0x20bb0, 0x20bc0),
  letters(0x3042, 0x3093),
  letters(0x30a2, 0x30f3),
  letters(0xac00, 0xac60),
  letters(0xe01, 0xe2e),
  letters(0xe94, 0xe97),
  letters(0x1000, 0x1021),
  letters(0x1780, 0x17a2),
];
const wordOf = (scripts: string[][], maxLength = 12) =>
  fc
    .constantFrom(...scripts)
    .chain((script) => fc.array(fc.constantFrom(...script), { minLength: 1, maxLength }))
    .map((characters) => characters.join('').normalize('NFC'));
const anyWord = fc.oneof(
  wordOf(spaced),
  wordOf(unspaced),
  wordOf(spaced, 120),
  fc.constantFrom('c++', 'C#', '🔥', '®'),
);

describe('the terms of a text', () => {
  test('When any beginning of a name is searched, then the name is found', () => {
    const name = fc.array(anyWord, { minLength: 1, maxLength: 5 }).map((words) => words.join(' '));

    fc.assert(
      fc.property(name, fc.nat(), (text, number) => {
        const characters = [...text];
        const beginning = characters.slice(0, 1 + (number % characters.length)).join('');
        expect(finds(beginning, termsOf(text))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('When any part of a name in a script without spaces is searched, then the name is found', () => {
    fc.assert(
      fc.property(wordOf(unspaced), fc.nat(), fc.nat(), (text, first, length) => {
        const characters = [...text];
        const from = first % characters.length;
        const part = characters.slice(from, from + 1 + (length % (characters.length - from))).join('');
        expect(finds(part, termsOf(`new ${text}: 7`))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('When any text is cut into terms, then each is ASCII and neither too short nor too long for an index', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        for (const term of [...termsOf(text), ...codeTermsOf(text)]) {
          expect(term).toMatch(/^w_[a-z0-9_]+$/);
          expect(term.length).toBeGreaterThanOrEqual(shortestTerm);
          expect(term.length).toBeLessThanOrEqual(longestTerm);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ['日本語のシャツ', ['シ', 'シャ', 'シャツ', 'しゃつ', '日本語', 'のシャ', 'ツ']],
    ['红色鞋子', ['鞋子', '色鞋子', '红']],
    ['เสื้อสีแดง', ['สี', 'สีแดง', 'แดง']],
    ['𠮷野家 丼', ['𠮷野家 丼', '𠮷', '丼']],
    ['မြန်မာ', ['မြန်မာ', 'မြန်']],
    ['Fire 🔥 mug', ['🔥', 'fire 🔥', 'mug 🔥']],
    ['C++ primer', ['c++', 'C+', 'c', 'c primer', 'c++ pri']],
    ['Crème brûlée', ['creme', 'CRÈME BRULEE', 'crème br']],
    ['Große Straße', ['grosse', 'STRASSE', 'stras']],
    ['ΟΔΟΣ', ['οδος', 'οδοσ', 'οδ']],
    ['ﬁne ２０２４', ['fine', '2024']],
    ['the lord of the rings', ['the', 'of the', 'the lord of the rings', 't']],
  ])('When %j has been named, then it is found by each of %j', (text, queries) => {
    expect(queries.filter((query) => !finds(query, termsOf(text)))).toEqual([]);
  });

  test.each([
    ['C primer', ['c++', 'c#']],
    ['shirt', ['hirt', 'shirts', 'shi rt', '', '%', '_', '+', '"*"']],
    ['红色鞋子', ['子鞋', '鞋子红']],
  ])('When %j has been named, then it is found by none of %j', (text, queries) => {
    expect(queries.filter((query) => finds(query, termsOf(text)))).toEqual([]);
  });

  test.each(['ABC-1234-X9', 'abc-12', 'abc1234x', '1234', 'x9', '9'])(
    'When the article number ABC-1234-X9 is looked for by %j, then it is found',
    (query) => {
      expect(finds(query, codeTermsOf('ABC-1234-X9'))).toBe(true);
    },
  );
});

test('When a text is ASCII, then its terms are those that it has beside other characters', () => {
  const word = fc.constantFrom(
    'c',
    'c++',
    'c#',
    'C#+',
    'a1',
    'A-1',
    '+',
    '#x',
    "don't",
    'w'.repeat(100),
    '_',
    '\n',
    '|',
  );
  const text = fc
    .array(word, { maxLength: 12 })
    .chain((words) => fc.constantFrom(' ', '').map((gap) => words.join(gap)));
  fc.assert(
    fc.property(text, (ascii) => {
      // A dash that is no ASCII, and stands for nothing.
      expect(termsOf(ascii)).toEqual(termsOf(`${ascii} –`));
    }),
    { numRuns: 2_000 },
  );
});
