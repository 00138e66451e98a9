import fc from 'fast-check';

/** Texts that programs stumble over. */
export const oddTexts = [
  '',
  ' ',
  '\t\n',
  '\u0000',
  'a\u0000b',
  '\ud800',
  'a\udc00b',
  '\ufeff',
  '\ufffe',
  '\uffff',
  '\u200b\u200d',
  '\u202emirrored',
  'e\u0301\u0301\u0301',
  '\u0301',
  '\u00ad',
  '\u{1f469}\u200d\u{1f469}\u200d\u{1f467}',
  '\u{10ffff}',
  'ß',
  'İ',
  'ﬃ',
  '\u2028\u2029',
  "'; DROP TABLE tag; --",
  '" OR 1=1',
  '\\',
  '%',
  '_%\\',
  '$1',
  '?',
  ':id',
  '{{7*7}}',
  '$\u007b7*7}',
  '<script>alert(1)</script>',
  '../../../etc/passwd',
  'null',
  'NaN',
  'true',
  '-1',
  '0x10',
  '1e400',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '+word* -other ("x',
  'é'.repeat(255),
  '\u{1f600}'.repeat(256),
  'a'.repeat(256),
  '-'.repeat(2_000),
  'a-'.repeat(2_000),
  'x'.repeat(70_000),
];

/** JSON numbers at and beyond the edges of what others hold. No small whole number is among them: it could be the id of a row. */
const oddNumbers = [
  '0',
  '-0',
  '-1',
  '0.5',
  '1.005',
  '1e400',
  '-1e400',
  '1e-400',
  '5e-324',
  '1E+7',
  '10000000.0',
  '99999999.99',
  '99999999.995',
  '2147483647',
  '2147483648',
  '4294967295',
  '4294967296',
  '9007199254740991',
  '9007199254740993',
  '9223372036854775808',
  '18446744073709551616',
  '1'.repeat(400),
  `0.${'0'.repeat(400)}1`,
  '3.0000000000000000000000001',
];

/** JSON that is not of the type that anybody asks for. */
const oddJson = [
  'null',
  'true',
  'false',
  '[]',
  '{}',
  '[[]]',
  '[null]',
  '"88000000002 "',
  '{"$gt":""}',
  '{"toString":1}',
  '{"length":-1}',
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
  `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
  `${'['.repeat(17)}${']'.repeat(17)}`,
  `[${'0,'.repeat(9_999)}0]`,
  `[${'{},'.repeat(1_000)}{}]`,
  `{${Array.from({ length: 2_000 }, (_, index) => `"k${index}":0`).join(',')}}`,
];

/** What looks like JSON and is not. */
const brokenJson = [
  'NaN',
  'Infinity',
  'undefined',
  '01',
  '+1',
  '.5',
  '0x10',
  "'a'",
  '"\\x41"',
  '"a\nb"',
  '"\\ud8"',
  '1,',
  '',
];

/** Text of any kind. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 20 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  { weight: 4, arbitrary: fc.constantFrom(...oddTexts) },
  {
    weight: 1,
    arbitrary: fc.array(fc.constantFrom(...oddTexts), { minLength: 2, maxLength: 3 }).map((all) => all.join('')),
  },
);

const escaped = (text: string): string =>
  `"${Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`;

/** A text in JSON, with the escapes that it needs or with as many as there can be. */
export const inJson = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 9, arbitrary: text.map((plain) => JSON.stringify(plain)) },
    { weight: 1, arbitrary: text.map(escaped) },
  );

/** JSON of any kind; seldom not even that. */
export const anyJson: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...oddNumbers) },
  { weight: 6, arbitrary: inJson(anyText) },
  { weight: 6, arbitrary: fc.constantFrom(...oddJson) },
  { weight: 2, arbitrary: fc.json({ maxDepth: 3 }).filter((json) => !/\d/.test(json)) },
  { weight: 1, arbitrary: fc.constantFrom(...brokenJson) },
);
