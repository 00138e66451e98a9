import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { imageUrl, line } from './fields.ts';

const name = line(255, 'A name.', 'name');
const parse = (text: string) => {
  const { success, data, error } = name.safeParse(text);
  return success ? data : error.issues.map((issue) => (issue as z.core.$ZodIssueCustom).params?.code);
};
const codes = (text: string): string => [...text].map((each) => `U+${each.codePointAt(0)?.toString(16)}`).join(' ');

describe('a line', () => {
  test.each(
    ['', ' ', '\n', '\u200b', '\ufeff', '\u00ad', '\u2060', '\u180e', '\u034f', '\u200b \u200b']
      .concat([
        '\u200c\u200d',
        '\u200e\u200f\u061c',
        '\ufe0f',
        '\u3164',
        '\u115f\u1160\uffa0',
        '\u2800',
        '\u00a0\u3000\u2003',
        '\u0301',
        '\u{e0020}\u{e007f}',
      ])
      .map((text) => [codes(text), text] as const),
  )('When it is %s, then there is nothing to see, and it is too short', (_, text) => {
    expect(parse(text)).toEqual(['too_short']);
  });

  test.each(
    [
      '\u0000',
      '\u001b[2J',
      '\u007f',
      '\u009f',
      '\u202e',
      '\u202a',
      '\u2066',
      '\u2069',
      '\u206f',
      '\ufff9',
      '\uffff',
    ].map((text) => [codes(text), text] as const),
  )('When %s stands in it, then it is refused', (_, unfit) => {
    expect(parse(`a${unfit}b`)).toEqual(['invalid_text']);
  });

  test.each([
    ['Zero\u200bwidth', 'Zerowidth'],
    ['\ufeffBOM', 'BOM'],
    ['soft\u00adhyphen', 'softhyphen'],
    ['two\r\nlines', 'two lines'],
    ['a\ttab', 'a tab'],
    ['\u2028between\u2029lines\u0085', 'between lines'],
    [' around \u200b', 'around'],
  ])('When it is %j, then it is %j', (text, cleaned) => {
    expect(parse(text)).toBe(cleaned);
  });

  test.each([
    'Öffnungszeiten',
    'می‌خواهم',
    '👩‍👩‍👧',
    '❤️',
    '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
    'שלום\u200f!',
    'क्‍ष',
    'パパ',
    '\u{f8ff}',
    '1',
    '.',
    '<b>',
  ])('When it is %s, then it stays as it is', (text) => {
    expect(parse(text)).toBe(text);
  });
});

describe('an image URL', () => {
  test.each([
    'https://a.example/\u202egpj.1',
    'https://a.example/\u20281.jpg',
    'https://a.example/\u0000',
    'https://a.example/\u200b',
  ])('When it is %j, then it is refused', (url) => {
    expect(z.safeParse(imageUrl, url).success).toBe(false);
  });

  test('When a line ends in it, then it is stored without', () => {
    expect(z.safeParse(imageUrl, 'https://a.example/\n1.jpg').data).toBe('https://a.example/1.jpg');
  });
});
