import slugify from '@sindresorhus/slugify';
import { type Database, placeholders, select, type Transaction } from './connection.ts';
import type { ResourceTable } from './models.ts';
import { attemptOf } from './transaction.ts';

/** Room for `-` and a number within the column's 255 characters. */
const baseLength = 240;

/**
 * A name as a slug: `Crème brûlée` → `creme-brulee`. Empty when nothing in the name can be written in `[a-z0-9]`.
 */
export function slugOf(name: string): string {
  const slug = slugify(name, {
    decamelize: false,
    customReplacements: [
      ['🦄', ''],
      ['♥', ''],
    ],
  });
  // Anything that transliteration left outside the pattern is dropped.
  return slug
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, baseLength)
    .replaceAll(/^-+|-+$/g, '');
}

/**
 * A free slug of `base`, `base-2`, `base-3`, …, as far as this transaction sees: the first one, or, where this is not the
 * first attempt, any of the next few, so that writers who have met over one number do not meet over the next. Few
 * look-ups even when very many are taken: it doubles the number until one is free, then halves the distance. (Numbers
 * that were given up in between may stay unused.)
 */
export async function freeSlug(
  db: Database,
  transaction: Transaction,
  table: ResourceTable,
  base: string,
): Promise<string> {
  const name = (number: number) => (number === 1 ? base : `${base}-${number}`);
  const firstFree = async (numbers: number[]): Promise<number | undefined> => {
    const rows = await select<{ slug: string }>(
      db,
      `SELECT slug FROM ${table} WHERE slug IN (${placeholders(numbers.length)})`,
      numbers.map(name),
      transaction,
    );
    const taken = new Set(rows.map((row) => row.slug));
    return numbers.find((number) => !taken.has(name(number)));
  };
  const attempt = attemptOf(transaction);
  const among = attempt === 1 ? 1 : 2 ** Math.min(attempt + 1, 10);
  const small = await firstFree([1, 2, 3, 4, 5, 6, 7, 8]);
  if (small && among === 1) return name(small);
  let free = small ?? (await firstFree(Array.from({ length: 28 }, (_, power) => 16 * 2 ** power))) ?? 2 ** 32;
  let taken = small ? small - 1 : free / 2;
  while (free - taken > 1) {
    const middle = Math.floor((free + taken) / 2);
    if ((await firstFree([middle])) === undefined) taken = middle;
    else free = middle;
  }
  return name(free + Math.floor(Math.random() * among));
}
