import { parseArgs } from 'node:util';
import { ConfigError, integerSetting, readSettings } from '@shop/service-kit/config.ts';

const maximumProducts = 5_000_000;
const maximumSeed = 2 ** 32 - 1;

export const usage = `Usage: npm run db:generate -- --products N [--seed S] [--force]

  --products N   how many products: 1 to ${maximumProducts}
  --seed S       which catalogue of that size: 0 to ${maximumSeed}, else 1; the same two numbers give the same rows
  --force        also into a database that is not on this machine`;

/**
 * The words after `db:generate`, read.
 * @throws {ConfigError} in one line
 */
export function readOptions(words: string[]): { products: number; seed: number; force: boolean } {
  const { products, seed, force } = parse(words);
  const read = readSettings(
    'The command',
    { '--products': integerSetting(1, maximumProducts), '--seed': integerSetting(0, maximumSeed).default(1) },
    { '--products': products, '--seed': seed },
  );
  return { products: read['--products'], seed: read['--seed'], force };
}

function parse(words: string[]) {
  try {
    return parseArgs({
      args: words,
      options: { products: { type: 'string' }, seed: { type: 'string' }, force: { type: 'boolean', default: false } },
    }).values;
  } catch (error) {
    // Its first sentence says what is wrong; the others are advice for whom it does not fit.
    throw new ConfigError(`${(error as Error).message.split(/\.\s/)[0]}. Without options it says what it takes.`);
  }
}
