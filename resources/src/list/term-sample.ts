import { type Database, padded, placeholders, select } from '@shop/db/connection/connection.ts';
import type { QueryTerm } from '@shop/db/search/terms.ts';
import { forAll } from '@shop/service-kit/deadline.ts';
import type { ListDeclaration } from './declaration.ts';

/** How many rows are looked at, and how much of each: enough to tell what one row in a few hundred has. */
const sampleSize = 2_048;
const mostCharacters = 4_096;

/** In a table with no more ids than these, every search is fast. */
export const fewIds = 5_000;

/** Milliseconds after which a sample is drawn anew, and after which a small table is looked at again: it may grow fast. */
const lifetime = 300_000;
const smallLifetime = 5_000;

/** Rows of a table drawn at random, by which it is estimated how many rows a search finds. */
export interface TermSample {
  texts: string[];
  /** About how many rows the table has. */
  rows: number;
}

/** Whether a row has a term, by its text in the table of terms. */
const hasTerm = (text: string, { term, prefix }: QueryTerm): boolean =>
  text.includes(prefix ? ` ${term}` : ` ${term} `);

/** Of the rows of a sample, those that have all of some terms. */
export const countOf = ({ texts }: TermSample, terms: QueryTerm[]): number =>
  texts.filter((text) => terms.every((term) => hasTerm(text, term))).length;

type Table = ListDeclaration['table'];

/** Rows by ids drawn at random. */
async function draw(db: Database, table: Table): Promise<TermSample | 'small'> {
  const [range] = await select<{ first: number | null; last: number | null }>(
    db,
    `SELECT MIN(id) AS first, MAX(id) AS last FROM ${table}_search`,
  );
  const { first, last } = range ?? {};
  if (first == null || last == null || last - first < fewIds) return 'small';
  const ids = new Set(Array.from({ length: sampleSize }, () => first + Math.floor(Math.random() * (last - first + 1))));
  const bind = padded([...ids].toSorted((a, b) => a - b));
  const rows = await select<{ terms: string }>(
    db,
    `SELECT LEFT(terms, ${mostCharacters}) AS terms FROM ${table}_search WHERE id IN (${placeholders(bind.length)})`,
    bind,
  );
  return { texts: rows.map(({ terms }) => terms), rows: ((last - first + 1) * rows.length) / ids.size };
}

/** What is known of one table. */
interface Known {
  drawn?: { sample: TermSample | 'small'; at: number };
  drawing?: Promise<void> | undefined;
}

const knownOf = new WeakMap<Database, Map<Table, Known>>();

/**
 * A sample of a table's terms, a few minutes old at the most but for one that is just being drawn anew; `small` for a table in
 * which every search is fast, undefined while none could be drawn.
 */
export async function termSample(db: Database, table: Table): Promise<TermSample | 'small' | undefined> {
  const tables = knownOf.get(db) ?? new Map<Table, Known>();
  knownOf.set(db, tables);
  const known: Known = tables.get(table) ?? {};
  tables.set(table, known);
  const age = performance.now() - (known.drawn?.at ?? Number.NEGATIVE_INFINITY);
  if (age > (known.drawn?.sample === 'small' ? smallLifetime : lifetime)) {
    known.drawing ??= forAll(() => draw(db, table))
      .then((sample) => {
        known.drawn = { sample, at: performance.now() };
      })
      // A search without one looks through the rows, or fails by itself for the same reason.
      .catch(() => {})
      .finally(() => {
        known.drawing = undefined;
      });
    if (!known.drawn) await known.drawing;
  }
  return known.drawn?.sample;
}
