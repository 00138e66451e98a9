import slugify from '@sindresorhus/slugify';
import { type Database, padded, placeholders, select, type Transaction } from './connection/connection.ts';
import { attemptOf } from './connection/transaction.ts';
import type { ResourceTable } from './models.ts';

/** Room for `-` and a number within the column's 255 characters. */
const baseLength = 240;

/**
 * A name as a slug: `Crème brûlée` → `creme-brulee`, `Oﬃce chair` → `office-chair`. Empty when nothing in the name can be written in `[a-z0-9]`.
 */
export function slugOf(name: string): string {
  // What transliteration has nothing to do with is spared it. It knows no ligatures, wide letters and the like.
  const slug = /^[\w -]*$/.test(name) ? name.toLowerCase() : transliterated(name.normalize('NFKC'));
  return slug
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, baseLength)
    .replaceAll(/^-|-$/g, '');
}

/** A name in `[a-z0-9-]`, and whatever else transliteration has left. */
const transliterated = (name: string): string =>
  slugify(name, {
    decamelize: false,
    customReplacements: [
      ['🦄', ''],
      ['♥', ''],
    ],
  });

/** How many numbers of a base are looked at together, beside those that are needed. */
const reach = 8;

/** Of how many bases at most so many are looked at from the start; of more than these, few are taken. */
const fewBases = 100;

/**
 * A free slug for each of `bases`, as far as this transaction sees: `base`, `base-2`, `base-3`, …, none given twice. The first
 * that is free, or, where this is not the first attempt and `base` itself is taken, any of the next few, so that writers who
 * have met over one number do not meet over the next. One or two statements for all of them; a base of which very many are
 * taken needs a few of its own.
 */
export async function freeSlugs(
  db: Database,
  transaction: Transaction,
  table: ResourceTable,
  bases: string[],
): Promise<string[]> {
  const takenOf = async (slugs: string[]): Promise<Set<string>> => {
    const bind = padded(slugs);
    const sql = `SELECT slug FROM ${table} WHERE slug IN (${placeholders(bind.length)})`;
    const rows = await select<{ slug: string }>(db, sql, bind, transaction);
    return new Set(rows.map((row) => row.slug));
  };
  const wanted = new Map<string, number>();
  for (const base of bases) wanted.set(base, (wanted.get(base) ?? 0) + 1);
  const attempt = attemptOf(transaction);
  const among = attempt === 1 ? 1 : 2 ** Math.min(attempt + 1, 10);
  const chosen = new Map<string, string[]>();
  // What is given to one base may be another: the second `shoe` is `shoe-2`.
  const given = new Set<string>();
  const choose = (base: string, count: number, free: string[], skip: number) => {
    if (free.length < count) return;
    const first = free[0] === base ? 0 : Math.min(skip, free.length - count);
    const slugs = free.slice(first, first + count);
    for (const slug of slugs) given.add(slug);
    chosen.set(base, slugs);
  };
  const isMissing = ([base]: [string, number]) => !chosen.has(base);
  for (const width of wanted.size > fewBases ? [1, reach] : [reach]) {
    const spread = width === 1 ? 1 : Math.min(among, Math.ceil(4096 / wanted.size));
    const looked = [...wanted]
      .filter(isMissing)
      .map(([base, count]) => ({ base, count, slugs: numbersFrom(base, 1, count + width + spread - 2) }));
    if (looked.length === 0) break;
    const taken = await takenOf(looked.flatMap(({ slugs }) => slugs));
    for (const { base, count, slugs } of looked) {
      const free = slugs.filter((slug) => !taken.has(slug) && !given.has(slug));
      choose(base, count, free, Math.floor(Math.random() * spread));
    }
  }
  for (const [base, count] of [...wanted].filter(isMissing)) {
    const free: string[] = [];
    let next = (await firstFree(base, takenOf)) + Math.floor(Math.random() * among);
    for (; free.length < count; next += count) {
      const slugs = numbersFrom(base, next, count);
      const taken = await takenOf(slugs);
      free.push(...slugs.filter((slug) => !taken.has(slug) && !given.has(slug)));
    }
    choose(base, count, free, 0);
  }
  return bases.map((base) => chosen.get(base)?.shift() as string);
}

const numbered = (base: string, number: number): string => (number === 1 ? base : `${base}-${number}`);

const numbersFrom = (base: string, first: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => numbered(base, first + index));

/**
 * A number of `base` that is free while the one before it is taken. Few look-ups even when very many are taken: it doubles the
 * number until one is free, then halves the distance. (Numbers that were given up in between may stay unused.)
 */
async function firstFree(base: string, takenOf: (slugs: string[]) => Promise<Set<string>>): Promise<number> {
  const isFree = async (numbers: number[]) => {
    const taken = await takenOf(numbers.map((number) => numbered(base, number)));
    return numbers.find((number) => !taken.has(numbered(base, number)));
  };
  const doubled = Array.from({ length: 33 }, (_, power) => 2 ** power);
  let free = (await isFree(doubled)) ?? 2 ** 33;
  let taken = Math.floor(free / 2);
  while (free - taken > 1) {
    const middle = Math.floor((free + taken) / 2);
    if ((await isFree([middle])) === undefined) taken = middle;
    else free = middle;
  }
  return free;
}
