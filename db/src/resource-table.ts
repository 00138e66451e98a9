import { hash, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { literal, type Model, type ModelStatic } from 'sequelize';
import { type Database, longestList, padded, placeholders, select, type Transaction } from './connection/connection.ts';
import { DuplicateError, LostRaceError, violatedIndex } from './errors.ts';
import { insertRows } from './insert-rows.ts';
import { longColumns } from './long-columns.ts';
import type { ResourceRows, ResourceTable } from './models.ts';
import { insertSearchText, renewSearchText, searchColumns } from './search/search-text.ts';
import { freeSlugs, slugOf } from './slug.ts';
import { piecesOf } from './steps.ts';

/** The columns that a unique index holds together; the first is the field that is named when they collide. */
export const uniqueIndexes: Record<ResourceTable, Record<string, string[]>> = {
  category: { category_slug: ['slug'], category_sibling_name: ['category_name', 'parent_id'] },
  product: { product_slug: ['slug'], product_sku: ['sku'] },
  tag: { tag_slug: ['slug'], tag_name: ['tag_name'] },
};

/** Is told the version of the row that is about to be changed, and throws when that is not what the client expects. */
export type VersionCheck = (version: number) => Promise<void>;

/** A row as a write holds it: without what can be long. */
export type LockedRow<Row> = Omit<Row, 'description' | 'image_urls' | 'metadata'>;

/** A row that is locked, what to set in it, and whether its version moves on even if that is nothing new. */
export interface RowChange<Row> {
  row: LockedRow<Row>;
  values: Partial<Row>;
  touch?: boolean;
}

/** How many rows' long values are compared at a time. */
const comparedAtOnce = 64;

/** Columns whose values are compared by a digest: they may be longer than what is written. */
const digested = 'description';

/**
 * One resource's table as its store writes it: slugs that find themselves a free name, versions that move on with
 * every change and only then, and duplicates that say who holds the value. Every method runs in the caller's
 * transaction.
 */
export class ResourceWriter<T extends ResourceTable, Row extends ResourceRows[T] = ResourceRows[T]> {
  readonly #db: Database;
  readonly #table: T;
  readonly #model: ModelStatic<Model>;
  /** All but the long ones. */
  readonly #columns: string;
  readonly #long: readonly string[];

  constructor(db: Database, table: T) {
    this.#db = db;
    this.#table = table;
    this.#model = db.models[table] as unknown as ModelStatic<Model>;
    this.#long = longColumns[table] ?? [];
    const columns = Object.keys(this.#model.getAttributes());
    this.#columns = columns.filter((column) => !this.#long.includes(column)).join(', ');
  }

  /**
   * Inserts a row. Without a slug in `values` it gets one derived from `name`: the next free one of its kind, or
   * `category-7` where the name has no letters to take.
   * @returns the new id
   * @throws {DuplicateError}
   */
  async insert(transaction: Transaction, values: Partial<Row>, name: string): Promise<number> {
    if ((values as { slug?: string }).slug !== undefined) return this.#create(transaction, values);
    const base = slugOf(name);
    if (base === '') {
      const id = await this.#create(transaction, { ...values, slug: randomUUID() });
      await this.#slugById(transaction, id);
      return id;
    }
    return this.#giveSlug(transaction, base, (slug) => this.#create(transaction, { ...values, slug }));
  }

  /**
   * Inserts rows like {@link insert}, with few statements.
   * @returns the new rows, in the order given
   * @throws {DuplicateError} which does not say who holds the value
   */
  async insertMany(
    transaction: Transaction,
    rows: { values: Partial<Row>; name: string }[],
  ): Promise<LockedRow<Row & { id: number }>[]> {
    const made = rows.map(({ values, name }) => ({ values, name, slug: (values as { slug?: string }).slug }));
    const derived = made.filter(({ slug }) => slug === undefined);
    const named = derived.map((row) => ({ row, base: slugOf(row.name) })).filter(({ base }) => base !== '');
    const bases = named.map(({ base }) => base);
    const slugs = await freeSlugs(this.#db, transaction, this.#table, bases);
    for (const { row } of named) row.slug = slugs.shift();
    // A name without a letter gets its slug from the id, which is known only when the row is there.
    const nameless = derived.filter(({ slug }) => slug === undefined);
    for (const row of nameless) row.slug = randomUUID();
    const columns = [...new Set(rows.flatMap(({ values }) => Object.keys(values))).add('slug')];
    const written = made.map(({ values, slug }) => {
      const row: Record<string, unknown> = { ...values, slug };
      return columns.map((column) => row[column]);
    });
    try {
      await insertRows(this.#db, transaction, this.#table, columns, written);
    } catch (error) {
      const index = violatedIndex(error);
      if (index === undefined) throw error;
      // Where some have asked for their slugs, it is for them to find out whose it was.
      if (index === `${this.#table}_slug` && derived.length === rows.length) {
        throw new LostRaceError('a slug was taken meanwhile');
      }
      throw new DuplicateError([{ field: uniqueIndexes[this.#table][index]?.[0] ?? index }]);
    }
    // By their slugs, not counted on from the first id: whether the ids of an insert are consecutive depends on settings.
    const bind = padded(made.map(({ slug }) => slug));
    const found = await select<LockedRow<Row> & { id: number; slug: string }>(
      this.#db,
      `SELECT ${this.#columns} FROM ${this.#table} WHERE slug IN (${placeholders(bind.length)})`,
      bind,
      transaction,
    );
    const bySlug = new Map(found.map((row) => [row.slug, row]));
    const searched = made.map(({ values, slug }) => ({ id: bySlug.get(slug as string)?.id as number, row: values }));
    await insertSearchText(this.#db, transaction, this.#table, searched);
    for (const { slug } of nameless) {
      const row = bySlug.get(slug as string) as LockedRow<Row> & { id: number; slug: string };
      row.slug = await this.#slugById(transaction, row.id);
    }
    return made.map(({ slug }) => bySlug.get(slug as string) as LockedRow<Row & { id: number }>);
  }

  /**
   * Locks rows until the transaction ends, in the order of their ids.
   * @returns those that there are, by id
   */
  async lockMany(transaction: Transaction, ids: number[]): Promise<Map<number, LockedRow<Row>>> {
    if (ids.length === 0) return new Map();
    const bind = padded(ids.toSorted((a, b) => a - b));
    // A scan of the table would wait for rows of which none was asked for.
    const rows = await select<LockedRow<Row> & { id: number }>(
      this.#db,
      `SELECT ${this.#columns} FROM ${this.#table} FORCE INDEX (PRIMARY)
       WHERE id IN (${placeholders(bind.length)}) ORDER BY id FOR UPDATE`,
      bind,
      transaction,
    );
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** The versions of rows, by id, of those that there are. */
  async versions(transaction: Transaction, ids: number[]): Promise<Map<number, number>> {
    if (ids.length === 0) return new Map();
    const bind = padded(ids);
    const sql = `SELECT id, version FROM ${this.#table} WHERE id IN (${placeholders(bind.length)})`;
    const rows = await select<{ id: number; version: number }>(this.#db, sql, bind, transaction);
    return new Map(rows.map(({ id, version }) => [id, version]));
  }

  /**
   * Locks rows that the transaction is going to write in parts (`inSavepoint`). First it writes a row that nobody needs and takes
   * it out again: only a transaction that has written to a full-text index before it sets a savepoint has what it does to one
   * after that undone with it. In any other, the next write of the same row ends the whole server (MariaDB 10.11.19).
   */
  async lockForParts(transaction: Transaction, ids: number[]): Promise<Map<number, number>> {
    if (ids.length === 0) return new Map();
    const rows = await this.lockMany(transaction, ids);
    const name = randomUUID();
    const values = { [`${this.#table}_name`]: name, slug: name, ...(this.#table === 'product' ? { price: 0 } : {}) };
    const id = await this.#create(transaction, values as Partial<Row>);
    await this.delete(transaction, id);
    return new Map([...rows].map(([id, { version }]) => [id, version]));
  }

  /**
   * Locks a row until the transaction ends, checks its version, and returns it; undefined when there is none. `check` comes
   * after the lock: before it, another writer could still move the version on.
   */
  async lock(transaction: Transaction, id: number, check: VersionCheck): Promise<LockedRow<Row> | undefined> {
    const [row] = await select<LockedRow<Row> & { version: number }>(
      this.#db,
      `SELECT ${this.#columns} FROM ${this.#table} WHERE id = $1 FOR UPDATE`,
      [id],
      transaction,
    );
    if (!row) return undefined;
    await check(row.version);
    return row;
  }

  /**
   * Sets those `values` that differ from what rows have which this transaction has locked. Only then, or with `touch`, do the
   * version and the time of change of one move on.
   * @param checkChange is told what is about to be set in a row, and throws where that must not be
   * @throws {DuplicateError}
   */
  async updateMany(
    transaction: Transaction,
    changes: RowChange<Row>[],
    checkChange: (values: Partial<Row>) => void = () => {},
  ): Promise<void> {
    for (const piece of piecesOf(changes, comparedAtOnce)) {
      const long = await this.#longValues(transaction, piece);
      for (const { row, values, touch = false } of piece) {
        const { id } = row as unknown as { id: number };
        const current: Record<string, unknown> = { ...row, ...long.get(id) };
        const different = Object.fromEntries(
          Object.entries(values).filter(
            ([column, value]) => value !== undefined && !isDeepStrictEqual(comparable(column, value), current[column]),
          ),
        ) as Partial<Row>;
        if (Object.keys(different).length === 0 && !touch) continue;
        checkChange(different);
        await this.#orDuplicate(transaction, { ...row, ...different }, id, () =>
          this.#model.update({ ...different, ...nextVersion }, { where: { id }, transaction }),
        );
        if (searchColumns[this.#table].some((column) => column in different)) {
          await renewSearchText(this.#db, transaction, this.#table, id);
        }
      }
    }
  }

  /** The same for one row. */
  update(transaction: Transaction, row: LockedRow<Row>, values: Partial<Row>, { touch = false } = {}): Promise<void> {
    return this.updateMany(transaction, [{ row, values, touch }]);
  }

  /** The long values that changes are compared with, by id, in their {@link comparable} form: of those columns that any sets. */
  async #longValues(transaction: Transaction, changes: RowChange<Row>[]): Promise<Map<number, object>> {
    const isSet = (column: string) => (change: RowChange<Row>) =>
      (change.values as Record<string, unknown>)[column] !== undefined;
    const columns = this.#long.filter((column) => changes.some(isSet(column)));
    if (columns.length === 0) return new Map();
    const ids = changes.filter((change) => columns.some((column) => isSet(column)(change)));
    const bind = padded(ids.map(({ row }) => (row as unknown as { id: number }).id));
    const compared = columns.map((column) => (column === digested ? `SHA2(${column}, 256) AS ${column}` : column));
    const sql = `SELECT id, ${compared.join(', ')} FROM ${this.#table} WHERE id IN (${placeholders(bind.length)})`;
    const rows = await select<{ id: number }>(this.#db, sql, bind, transaction);
    return new Map(rows.map((row) => [row.id, plainRow(row)]));
  }

  /** Deletes a row, or several, that nothing refers to any more. */
  async delete(transaction: Transaction, id: number | number[]): Promise<void> {
    await this.#model.destroy({ where: { id }, transaction });
  }

  async #create(transaction: Transaction, values: Partial<Row>): Promise<number> {
    const fields = Object.keys(values);
    const row = await this.#orDuplicate(transaction, values, undefined, () =>
      this.#model.create(values, { transaction, fields }),
    );
    const id = row.get('id') as number;
    await insertSearchText(this.#db, transaction, this.#table, [{ id, row: values }]);
    return id;
  }

  /** Gives a new row a slug made of its id. */
  #slugById(transaction: Transaction, id: number): Promise<string> {
    return this.#giveSlug(transaction, `${this.#table}-${id}`, async (slug) => {
      await this.#model.update({ slug }, { where: { id }, transaction });
      return slug;
    });
  }

  /**
   * Writes with a free slug. A slug that is taken by the time it is written ends this attempt at the transaction: it now
   * holds a lock on the other's row, which would stand in the way of everybody who is looking for a slug there.
   */
  async #giveSlug<R>(transaction: Transaction, base: string, write: (slug: string) => Promise<R>): Promise<R> {
    try {
      const [slug] = await freeSlugs(this.#db, transaction, this.#table, [base]);
      return await write(slug as string);
    } catch (error) {
      // What else is taken is the caller's to hear of; a slug that nobody asked for is not.
      const others = error instanceof DuplicateError ? error.fields.filter(({ field }) => field !== 'slug') : [];
      if (others.length > 0) throw new DuplicateError(others);
      if (error instanceof DuplicateError || violatedIndex(error) === `${this.#table}_slug`) {
        throw new LostRaceError(`the slug ${base} was taken meanwhile`);
      }
      throw error;
    }
  }

  /** Runs a write; when a unique index refuses it, says of every field that is taken who holds it. */
  async #orDuplicate<R>(
    transaction: Transaction,
    values: object,
    self: number | undefined,
    write: () => Promise<R>,
  ): Promise<R> {
    try {
      return await write();
    } catch (error) {
      const index = violatedIndex(error);
      if (index === undefined) throw error;
      const held = await this.#holders(transaction, values as Record<string, unknown>, self);
      const known = uniqueIndexes[this.#table][index]?.[0] ?? index;
      throw new DuplicateError(held.length > 0 ? held : [{ field: known }]);
    }
  }

  async #holders(transaction: Transaction, values: Record<string, unknown>, self: number | undefined) {
    const found: { field: string; id: number }[] = [];
    for (const columns of Object.values(uniqueIndexes[this.#table])) {
      const field = columns[0] as string;
      const bind = columns.map((column) => values[column] ?? null);
      if (bind[0] === null) continue;
      const condition = columns.map((column, index) => `${column} <=> $${index + 1}`).join(' AND ');
      const [row] = await select<{ id: number }>(
        this.#db,
        `SELECT id FROM ${this.#table} WHERE ${condition} AND id <> $${columns.length + 1} LIMIT 1`,
        [...bind, self ?? 0],
        transaction,
      );
      if (row) found.push({ field, id: row.id });
    }
    return found;
  }
}

/** A value as it is compared with the one that is stored. */
const comparable = (column: string, value: unknown): unknown =>
  column === digested && typeof value === 'string' ? hash('sha256', value, 'hex') : value;

/** What every change of a resource does to its row. */
export const nextVersion = { version: literal('version + 1'), updated_at: literal('CURRENT_TIMESTAMP(3)') };

/** They are read as text. */
const jsonColumns = ['image_urls', 'metadata'];

/** A row with its JSON columns as values. */
export function plainRow<Row extends object>(row: Row): Row {
  const record = row as Record<string, unknown>;
  for (const column of jsonColumns) {
    if (typeof record[column] === 'string') record[column] = JSON.parse(record[column]);
  }
  return row;
}

/**
 * The ids of `ids` that a table does not have, in the order given.
 * @param options.share locks those that it has against changes, in the order of ids; asks for the right to UPDATE
 */
export async function missingIds(
  db: Database,
  transaction: Transaction,
  table: ResourceTable,
  ids: number[],
  { share = false }: { share?: boolean } = {},
): Promise<number[]> {
  const known = new Set<number>();
  for (const piece of piecesOf(
    ids.toSorted((a, b) => a - b),
    longestList,
  )) {
    const bind = padded(piece);
    const sql = `SELECT id FROM ${table} WHERE id IN (${placeholders(bind.length)})${share ? ' ORDER BY id LOCK IN SHARE MODE' : ''}`;
    for (const { id } of await select<{ id: number }>(db, sql, bind, transaction)) known.add(id);
  }
  return ids.filter((id) => !known.has(id));
}
