import { describe, expect, test } from '@jest/globals';
import { readOptions } from './options.ts';

describe('the options of db:generate', () => {
  test('When only the number of products is given, then the seed is 1 and nothing is forced', () => {
    expect(readOptions(['--products', '5000000'])).toEqual({ products: 5_000_000, seed: 1, force: false });
  });

  test('When all are given, then all are read', () => {
    expect(readOptions(['--force', '--seed=4294967295', '--products', '1'])).toEqual({
      products: 1,
      seed: 4_294_967_295,
      force: true,
    });
  });

  test.each([
    [['--seed', '2'], '--products is missing (a whole number from 1 to 5000000)'],
    [['--products', '0'], '--products must be a whole number from 1 to 5000000, got "0"'],
    [['--products', '5000001'], '--products must be a whole number'],
    [['--products', '1e3'], '--products must be a whole number'],
    [['--products'], "'--products <value>' argument missing"],
    [['--products', '-5'], "'--products' argument is ambiguous"],
    [['--products', '5', '--seed', '4294967296'], '--seed must be a whole number from 0 to 4294967295'],
    [['--products', '5', '--sead', '1'], "Unknown option '--sead'"],
    [['--products', '5', 'more'], "Unexpected argument 'more'"],
  ])('When they are %j, then they are refused in one line', (words, sentence) => {
    expect(() => readOptions(words)).toThrow(expect.objectContaining({ name: 'ConfigError' }));
    expect(() => readOptions(words)).toThrow(sentence);
    expect(() => readOptions(words)).not.toThrow('\n');
  });
});
