import { describe, expect, test } from '@jest/globals';
import { matchesVersion, parseTags } from './etag.ts';

describe('If-Match', () => {
  test.each([
    ['*', true],
    ['"5-abc"', true],
    ['"5.3.12"', true],
    ['"5.3.12-abc"', true],
    ['"5"', true],
    ['"4-abc", "5-abc"', true],
    [' , "4",, "5" ,', true],
    ['"with,comma","5"', true],
    ['"4-abc"', false],
    ['"50-abc"', false],
    ['"15"', false],
    ['"05"', false],
    ['"5abc"', false],
    ['"-5"', false],
    ['W/"5-abc"', false],
    ['W/"5-abc", "4"', false],
    ['""', false],
    ['"é"', false],
  ])('When it is %s, then a resource at version 5 matches: %s', (header, expected) => {
    const ifMatch = parseTags(header);

    expect(ifMatch !== undefined && matchesVersion(ifMatch, 5)).toBe(expected);
    expect(ifMatch).toBeDefined();
  });

  test.each([
    '',
    ' ',
    ',',
    '5',
    '5-abc',
    '"5',
    '5"',
    '"5" "6"',
    '"5";"6"',
    'w/"5"',
    'W/5',
    '"5", *',
    '**',
    '"a b"',
    '"',
  ])('When it is %j, then it is malformed', (header) => {
    expect(parseTags(header)).toBeUndefined();
  });
});
