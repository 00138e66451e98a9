import { describe, expect, test } from '@jest/globals';
import { digestOf, generateKey, lineOf, parseKeys } from './api-key.ts';

const digest = (text: string): string => digestOf(text).toString('hex');

/** The message that a key file is refused with. */
function refusal(text: string): string {
  try {
    parseKeys(text, 'keys/gateway');
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the key file was accepted');
}

describe('parseKeys', () => {
  test('When a file has keys, comments and empty lines, then the keys are read', () => {
    const text = `# made by hand\n\nshop write ${digest('a')}\r\n  office.2\tread  ${digest('b').toUpperCase()}`;

    expect(parseKeys(text, 'keys/gateway')).toEqual([
      { name: 'shop', scope: 'write', digest: digestOf('a') },
      { name: 'office.2', scope: 'read', digest: digestOf('b') },
    ]);
  });

  test('When a file has no keys, then there are none', () => {
    expect(parseKeys('\n# none yet\n', 'keys/gateway')).toEqual([]);
  });

  test('When lines are wrong, then one message names each of them by its number', () => {
    const text = [
      `shop write ${digest('a')}`,
      `shop read ${digest('b')}`,
      `office read ${digest('a')}`,
      `-x read ${digest('c')}`,
      `admin all ${digest('d')}`,
      'short read 1234',
      'two read',
      `four read ${digest('e')} # mine`,
    ].join('\n');

    expect(refusal(text)).toBe(
      'the key file keys/gateway is not valid: line 2 has the name of a line above; line 3 has the key of a line above; ' +
        'line 4 must begin with a name of at most 64 letters, digits, "_", "." and "-"; ' +
        'line 5 must have the scope read or write; line 6 must end with a SHA-256 digest of 64 hexadecimal digits; ' +
        'line 7 must have three words: a name, a scope and a SHA-256 digest; ' +
        'line 8 must have three words: a name, a scope and a SHA-256 digest',
    );
  });

  test('When a key stands where its digest should, then the message does not show it', () => {
    const key = generateKey();

    expect(refusal(`shop write ${key}`)).not.toContain(key);
  });

  test('When a key is written as a line, then it is read as it was', () => {
    const key = { name: 'shop', scope: 'write', digest: digestOf('a') } as const;

    expect(parseKeys(lineOf(key), 'keys/gateway')).toEqual([key]);
  });
});

test('When keys are made, then each is another, and can be told by how it begins', () => {
  const keys = Array.from({ length: 100 }, generateKey);

  expect(new Set(keys).size).toBe(100);
  expect(keys.filter((key) => !/^shop_[\w-]{43}$/.test(key))).toEqual([]);
});
