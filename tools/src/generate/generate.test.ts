import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { placeholders, select } from '@shop/db/connection/connection.ts';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import { seed } from '../seed.ts';
import { type GenerateOptions, generate } from './generate.ts';
import { planCatalogue, productAt } from './products.ts';
import { tagPlans } from './tags.ts';

let database: TestDatabase;
let other: TestDatabase;
beforeAll(async () => {
  [database, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
});
beforeEach(async () => {
  await Promise.all([database, other].map(empty));
});
afterAll(async () => {
  await Promise.all([database, other].map((one) => one.drop()));
});

/** Deletes every row. */
async function empty({ db }: TestDatabase): Promise<void> {
  for (const table of ['product_tag', 'product', 'tag']) await db.sequelize.query(`DELETE FROM ${table}`);
  await db.sequelize.query('UPDATE category SET parent_id = NULL, category_name = slug');
  await db.sequelize.query('DELETE FROM category');
}

async function insert(table: string, row: Record<string, string | number>): Promise<void> {
  await database.db.sequelize.query(
    `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${placeholders(Object.keys(row).length)})`,
    { bind: Object.values(row) },
  );
}

const run = ({ owner }: TestDatabase, options: Partial<GenerateOptions> = {}) =>
  generate(owner, { products: 300, seed: 1, batchSize: 50, ...options });

/** Everything that a database holds. */
const content = async ({ db }: TestDatabase) => ({
  categories: await select(db, 'SELECT * FROM category ORDER BY id'),
  products: await select<{ id: number; slug: string; stock: number }>(db, 'SELECT * FROM product ORDER BY id'),
  tags: await select(db, 'SELECT * FROM tag ORDER BY id'),
  links: await select<{ product_id: number }>(db, 'SELECT * FROM product_tag ORDER BY product_id, tag_id'),
});

/** How many tags each product has: slug to number. */
async function tagCounts({ db }: TestDatabase): Promise<Record<string, number>> {
  const rows = await select<{ slug: string; tags: number }>(
    db,
    'SELECT slug, (SELECT COUNT(*) FROM product_tag WHERE product_id = product.id) AS tags FROM product ORDER BY id',
  );
  return Object.fromEntries(rows.map(({ slug, tags }) => [slug, tags]));
}

describe('a generated catalogue', () => {
  test('When the seed and the number of products are the same, then two databases hold the same rows, times included', async () => {
    const written = await run(database);
    await run(other, { batchSize: 299 });

    const rows = await content(database);
    expect(await content(other)).toEqual(rows);
    expect(written).toEqual({
      categories: rows.categories.length,
      tags: 400,
      products: 300,
      links: rows.links.length,
      movements: rows.products.filter(({ stock }) => stock > 0).length,
    });
  });

  test('When it is written, then the rows are those of the plan, each product with its category and its tags', async () => {
    const plan = planCatalogue(300, 1);

    await run(database);

    const rows = await select<{ slug: string; price: number; version: number; category: string; tags: string }>(
      database.db,
      `SELECT slug, price, version, (SELECT slug FROM category WHERE id = category_id) AS category,
              (SELECT GROUP_CONCAT(tag_name ORDER BY tag_name) FROM tag JOIN product_tag ON tag_id = tag.id WHERE product_id = product.id) AS tags
       FROM product ORDER BY id`,
    );
    const planned = Array.from({ length: 300 }, (_, index) => {
      const { slug, price, category, tags } = productAt(plan, index);
      const names = tags.map((tag) => tagPlans[tag]?.tag_name).toSorted();
      return {
        slug,
        price,
        version: 1,
        category: category === null ? null : plan.categories[category]?.slug,
        tags: names.length > 0 ? names.join(',') : null,
      };
    });
    expect(rows).toEqual(planned);
  });

  test('When it is written, then the movements of each product add up to its stock', async () => {
    const { movements } = await run(database);

    const [row] = await select<{ count: number; wrong: number }>(
      database.db,
      `SELECT (SELECT COUNT(*) FROM stock_movement) AS count,
              (SELECT COUNT(*) FROM product
               WHERE stock <> (SELECT COALESCE(SUM(delta), 0) FROM stock_movement WHERE product_id = product.id)) AS wrong`,
    );
    expect(row).toEqual({ count: movements, wrong: 0 });
    expect(movements).toBeGreaterThan(200);
  });

  test('When the classic rows are there, then they stay as they are, and ids go on after them', async () => {
    await seed(database.owner);
    const before = await content(database);

    await run(database);

    const after = await content(database);
    expect(after.categories.slice(0, 5)).toEqual(before.categories);
    expect(after.products.slice(0, 5)).toEqual(before.products);
    expect(after.tags.slice(0, 8)).toEqual(before.tags);
    expect(after.links.filter(({ product_id }) => product_id <= 5)).toEqual(before.links);
    expect(after.products.map(({ id }) => id)).toEqual(Array.from({ length: 305 }, (_, index) => index + 1));
  });

  test('When somebody creates a product meanwhile, then it gets an id after the generated ones', async () => {
    let created: Promise<void> | undefined;

    await run(database, {
      onProgress: () => {
        created ??= insert('product', { product_name: 'Mine', slug: 'mine', price: 5 });
      },
    });
    await created;

    const { products } = await content(database);
    expect(products).toHaveLength(301);
    expect(products.at(-1)).toMatchObject({ slug: 'mine' });
  });

  test('When it is stopped, then the transactions under way end, and every product that is in has all of its tags', async () => {
    const controller = new AbortController();

    const written = await run(database, {
      products: 5_000,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });

    const plan = planCatalogue(5_000, 1);
    const planned = Array.from({ length: written.products }, (_, index) => productAt(plan, index));
    expect(written.products).toBe(100);
    expect(await tagCounts(database)).toEqual(Object.fromEntries(planned.map(({ slug, tags }) => [slug, tags.length])));
  });

  test('When it is stopped before it begins, then nothing is written', async () => {
    const before = await content(database);

    const written = await run(database, { signal: AbortSignal.abort() });

    expect(written).toEqual({ categories: 0, tags: 0, products: 0, links: 0, movements: 0 });
    expect(await content(database)).toEqual(before);
  });
});

describe('a database that holds what is needed', () => {
  test('When a catalogue was generated before, of another size and seed, then it is refused and nothing changes', async () => {
    await run(database);
    const before = await content(database);

    await expect(run(database, { products: 500, seed: 2 })).rejects.toMatchObject({
      name: 'SchemaError',
      message: expect.stringMatching(/^Nothing was written: .*400 of tag\.slug.*"npm run db:reset" empties it\.$/),
    });
    expect(await content(database)).toEqual(before);
  });

  const plan = planCatalogue(2_000, 1);
  /** The last product with a SKU up to an index of the plan. */
  const productWithSku = (index: number): { slug: string; sku: string } => {
    const { slug, sku } = productAt(plan, index);
    return sku === null ? productWithSku(index - 1) : { slug, sku };
  };
  const late = productWithSku(999);

  test.each([
    ['category.slug', { category_name: 'Mine', slug: 'clothing-women' }],
    ['category.category_name', { category_name: 'CLOTHING', slug: 'mine' }],
    ['tag.slug', { tag_name: 'mine', slug: 'bestseller' }],
    ['tag.tag_name', { tag_name: 'Bestsellér', slug: 'mine' }],
    ['product.slug', { product_name: 'Mine', slug: late.slug, price: 5 }],
    ['product.sku', { product_name: 'Mine', slug: 'mine', price: 5, sku: late.sku.toLowerCase() }],
  ])('When a row holds a %s that is needed, then that is named and nothing is written', async (what, row) => {
    await insert(what.replace(/\..*/, ''), row);
    const before = await content(database);

    await expect(run(database, { products: 2_000 })).rejects.toThrow(
      new RegExp(
        `^Nothing was written: rows hold values that the catalogue needs, 1 of ${what} \\(such as "[^"]+"\\)\\.`,
      ),
    );
    expect(await content(database)).toEqual(before);
  });

  test('When a later product finds its SKU taken, then it ends and names it, and the products that are in are whole', async () => {
    const { sku } = productWithSku(1_990);
    await insert('product', { product_name: 'Mine', slug: 'mine', price: 5, sku });

    await expect(run(database, { products: 2_000, batchSize: 500 })).rejects.toMatchObject({
      name: 'SchemaError',
      message: expect.stringMatching(new RegExp(`^Ended after 1500 products: another row holds "${sku}"`, 'i')),
    });

    const counts = await tagCounts(database);
    const planned = Array.from({ length: 1_500 }, (_, index) => productAt(plan, index));
    expect(counts).toEqual({
      mine: 0,
      ...Object.fromEntries(planned.map(({ slug, tags }) => [slug, tags.length])),
    });
  });
});
