import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import { connect, type Database } from '../connection/connection.ts';
import { verifySchema } from '../verify.ts';
import { schemaDifferences } from './differences.ts';
import { repairSchema, restoreIndexes } from './repair.ts';

let database: TestDatabase;
/** One session, which does what it is told whatever refers to what. */
let careless: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  careless = connect({ ...database.owner, poolMax: 1 }, { multipleStatements: true });
  await careless.sequelize.query('SET foreign_key_checks = 0');
});
afterAll(async () => {
  await careless.sequelize.close();
  await database.drop();
});

const run = (sql: string) => careless.sequelize.query(sql);

/** Compares with the rights of a service. */
async function verifyAs(account: 'catalog' | 'tagging'): Promise<string[]> {
  const db = connect({ ...database.settingsOf(account), poolMax: 1 });
  try {
    return (await verifySchema(db)).map(({ what }) => what);
  } finally {
    await db.sequelize.close();
  }
}

async function repairAll(): Promise<(string | undefined)[]> {
  const failures: (string | undefined)[] = [];
  for await (const { failure } of repairSchema(careless, ['structure', 'index', 'rule'])) failures.push(failure);
  return failures;
}

const bin = 'COLLATE utf8mb4_bin NOT NULL';
const unicode = 'COLLATE utf8mb4_unicode_520_ci NOT NULL';

/** What somebody does to the database, and what is said of it. */
const blocking: [string, string, string][] = [
  ['a table is missing', 'DROP TABLE product_tag', 'table product_tag is missing'],
  ['a column is missing', 'ALTER TABLE product DROP COLUMN metadata', 'column product.metadata is missing'],
  [
    'a column has another type',
    'ALTER TABLE product MODIFY price DECIMAL(8, 2) NOT NULL',
    'column product.price is "decimal(8, 2) NOT NULL", not "decimal(10, 2) NOT NULL"',
  ],
  [
    'a column accepts NULL',
    'ALTER TABLE tag MODIFY slug VARCHAR(255) COLLATE utf8mb4_bin NULL',
    `column tag.slug is "varchar(255) COLLATE utf8mb4_bin", not "varchar(255) ${bin}"`,
  ],
  [
    'a column has another default',
    'ALTER TABLE product ALTER COLUMN stock SET DEFAULT 0',
    'column product.stock is "int NOT NULL DEFAULT 0", not "int NOT NULL DEFAULT 10"',
  ],
  [
    'a column compares in another way',
    'ALTER TABLE tag MODIFY tag_name VARCHAR(255) COLLATE utf8mb4_bin NOT NULL',
    `column tag.tag_name is "varchar(255) ${bin}", not "varchar(255) ${unicode}"`,
  ],
  [
    'a column holds any text in place of JSON',
    'ALTER TABLE product MODIFY metadata LONGTEXT COLLATE utf8mb4_bin NOT NULL',
    `column product.metadata is "longtext ${bin}", not "json NOT NULL DEFAULT (json_object())"`,
  ],
  [
    'a column does not count up',
    'ALTER TABLE stock_movement MODIFY id BIGINT UNSIGNED NOT NULL',
    'column stock_movement.id is "bigint unsigned NOT NULL", not "bigint unsigned NOT NULL AUTO_INCREMENT"',
  ],
  [
    'a primary key is missing',
    'ALTER TABLE stock_movement MODIFY id BIGINT UNSIGNED NOT NULL, DROP PRIMARY KEY',
    'primary key of stock_movement is missing',
  ],
  [
    'a primary key has other columns',
    'ALTER TABLE product_tag DROP PRIMARY KEY, ADD PRIMARY KEY (tag_id, product_id), ADD KEY k (product_id, tag_id)',
    'primary key of product_tag is "PRIMARY KEY (`tag_id`, `product_id`)", not "PRIMARY KEY (`product_id`, `tag_id`)"',
  ],
  ['a unique index is missing', 'ALTER TABLE tag DROP INDEX tag_name', 'unique index tag.tag_name is missing'],
  [
    'a unique index is not unique',
    'ALTER TABLE product DROP INDEX product_sku, ADD INDEX product_sku (sku)',
    'unique index product.product_sku is "KEY `product_sku` (`sku`)", not "UNIQUE KEY `product_sku` (`sku`)"',
  ],
  [
    'a unique index is of the beginning alone',
    'ALTER TABLE category DROP INDEX category_slug, ADD UNIQUE INDEX category_slug (slug(10))',
    'unique index category.category_slug is "UNIQUE KEY `category_slug` (`slug` (10))"',
  ],
  [
    'a full-text index has become another one',
    'ALTER TABLE product_search DROP INDEX product_search_terms, ADD INDEX product_search_terms (terms(9))',
    'full-text index product_search.product_search_terms is "KEY `product_search_terms` (`terms` (9))", not "FULLTEXT KEY `product_search_terms` (`terms`)"',
  ],
  [
    'a full-text index is missing',
    'ALTER TABLE category_search DROP INDEX category_search_terms',
    'full-text index category_search.category_search_terms is missing',
  ],
  [
    'an index is missing that statements name',
    'ALTER TABLE product DROP INDEX product_in_category',
    'index product.product_in_category is missing',
  ],
  [
    'a foreign key is missing',
    'ALTER TABLE product DROP FOREIGN KEY product_category',
    'foreign key product.product_category is missing',
  ],
  [
    'a foreign key does another thing',
    'ALTER TABLE stock_movement DROP FOREIGN KEY stock_movement_product; ALTER TABLE stock_movement ADD CONSTRAINT stock_movement_product FOREIGN KEY (product_id) REFERENCES product (id)',
    'foreign key stock_movement.stock_movement_product is "FOREIGN KEY (`product_id`) REFERENCES `product` (`id`)", not',
  ],
  ['a check is missing', 'ALTER TABLE product DROP CONSTRAINT product_stock', 'check product.product_stock is missing'],
  [
    'a check allows more',
    'ALTER TABLE product DROP CONSTRAINT product_price; ALTER TABLE product ADD CONSTRAINT product_price CHECK (price >= -1)',
    'check product.product_price is "CHECK (`price` >= - 1)", not "CHECK (`price` >= 0)"',
  ],
  ['an engine is another', 'ALTER TABLE mutex ENGINE = MyISAM', 'engine of mutex is MyISAM, not InnoDB'],
];

/** The tables that tagging-service cannot see. */
const hidden = /stock_movement|mutex|_search/;

describe('a database that differs', () => {
  test('When nothing was done to it, then each service finds nothing', async () => {
    expect([await verifyAs('catalog'), await verifyAs('tagging')]).toEqual([[], []]);
  });

  test.each(blocking)(
    'When %s, then services do not take it, and a repair makes it as it was',
    async (_what, sql, said) => {
      await run(sql);

      await expect(verifyAs('catalog')).rejects.toThrow(said);
      if (!hidden.test(sql)) await expect(verifyAs('tagging')).rejects.toThrow(said);
      expect(new Set(await repairAll())).toEqual(new Set([undefined]));
      expect(await schemaDifferences(careless)).toEqual([]);
    },
  );

  test.each([
    [
      'an index for speed is missing',
      'ALTER TABLE product DROP INDEX product_by_name',
      'index product.product_by_name is missing',
    ],
    [
      'an index has another order',
      'ALTER TABLE product DROP INDEX product_by_sku, ADD INDEX product_by_sku (id, sku)',
      'index product.product_by_sku is "KEY `product_by_sku` (`id`, `sku`)", not "KEY `product_by_sku` (`sku`, `id`)"',
    ],
    [
      'columns to come would compare in another way',
      'ALTER TABLE tag DEFAULT COLLATE utf8mb4_bin',
      'collation of tag is utf8mb4_bin, not utf8mb4_unicode_520_ci',
    ],
  ])('When %s, then services take it and say so, and a repair makes it as it was', async (_what, sql, said) => {
    await run(sql);

    expect([await verifyAs('catalog'), await verifyAs('tagging')]).toEqual([[said], [said]]);
    expect(await repairAll()).toEqual([undefined]);
    expect(await schemaDifferences(careless)).toEqual([]);
  });

  test('When a newer release has added what may be left out, then nothing differs', async () => {
    await run(
      'ALTER TABLE tag ADD colour VARCHAR(20) NULL, ADD INDEX tag_by_colour (colour); CREATE TABLE newer (id INT)',
    );

    expect(await verifyAs('catalog')).toEqual([]);
    await run('DROP TABLE newer; ALTER TABLE tag DROP INDEX tag_by_colour, DROP COLUMN colour');
  });

  test.each([
    [
      'column',
      'ALTER TABLE tag ADD colour INT NOT NULL',
      'column tag.colour is required, but this release does not know it',
      'ALTER TABLE tag DROP COLUMN colour',
    ],
    [
      'unique index',
      'ALTER TABLE tag ADD UNIQUE INDEX mine (version)',
      'unique index tag.mine is not of this release, and may refuse what it writes',
      'ALTER TABLE tag DROP INDEX mine',
    ],
    [
      'check',
      'ALTER TABLE tag ADD CONSTRAINT mine CHECK (version < 3)',
      'check tag.mine is not of this release, and may refuse what it writes',
      'ALTER TABLE tag DROP CONSTRAINT mine',
    ],
  ])(
    'When a %s is there that may refuse what this release writes, then it is named, and no repair takes it',
    async (_what, sql, said, undo) => {
      await run(sql);

      expect((await schemaDifferences(careless)).map(({ what }) => what)).toEqual([said]);
      expect(await repairAll()).toEqual([]);
      await run(undo);
    },
  );

  test.each([
    [
      'a unique index',
      'ALTER TABLE product DROP INDEX product_sku',
      [`INSERT INTO product (product_name, slug, sku, price) VALUES ('a', 'a', 'S', 1), ('b', 'b', 's', 1)`],
      /Duplicate entry.*In the way: sku S, times 2\.$/,
    ],
    [
      'a foreign key',
      'ALTER TABLE product DROP FOREIGN KEY product_category',
      [`INSERT INTO product (id, product_name, slug, category_id, price) VALUES (901, 'a', 'a', 77, 1)`],
      /foreign key constraint fails.*In the way: id 901\.$/,
    ],
    [
      'a check',
      'ALTER TABLE product DROP CONSTRAINT product_price',
      [`INSERT INTO product (id, product_name, slug, price) VALUES (902, 'a', 'a', -1)`],
      /product_price.*In the way: id 902\.$/,
    ],
    [
      'a column that accepts no NULL',
      'ALTER TABLE product MODIFY product_name VARCHAR(255) NULL',
      [`INSERT INTO product (id, slug, price) VALUES (903, 'a', 1)`],
      /\. In the way: id 903\.$/,
    ],
  ])(
    'When rows are in the way of %s, then the repair names them, and goes on once they are gone',
    async (_what, damage, rows, said) => {
      await run(damage);
      for (const row of rows) await run(row);
      await run('SET foreign_key_checks = 1');

      expect(await repairAll()).toEqual([expect.stringMatching(said)]);
      await run('DELETE FROM product; SET foreign_key_checks = 0');
      expect(await repairAll()).toEqual([undefined]);
    },
  );

  test('When a column is lost that has rows, then no repair makes up its values', async () => {
    await run(
      `INSERT INTO product (product_name, slug, price) VALUES ('a', 'a', 1); ALTER TABLE product DROP CONSTRAINT product_price; ALTER TABLE product DROP COLUMN price`,
    );

    const failures = await repairAll();
    await run('DELETE FROM product');

    expect(failures[0]).toBe('the values of the rows of product are lost: restore a backup');
    expect(new Set(await repairAll())).toEqual(new Set([undefined]));
  });

  test('When the owner starts, then lost indexes are made anew, and no unique one', async () => {
    await run(
      'ALTER TABLE product DROP INDEX product_slug, DROP INDEX product_by_price; ALTER TABLE product_search DROP INDEX product_search_terms',
    );

    expect(await restoreIndexes(database.owner)).toEqual([
      'index product.product_by_price is missing',
      'full-text index product_search.product_search_terms is missing',
    ]);
    expect((await schemaDifferences(careless)).map(({ what }) => what)).toEqual([
      'unique index product.product_slug is missing',
    ]);
    await repairAll();
  });

  test('When a newer release has migrated it, then the owner of an older one makes no index', async () => {
    await run(
      "ALTER TABLE product DROP INDEX product_by_price; INSERT INTO schema_migration (name) VALUES ('9999-newer.sql')",
    );

    expect(await restoreIndexes(database.owner)).toEqual([]);
    await run("DELETE FROM schema_migration WHERE name = '9999-newer.sql'");
    await repairAll();
  });
});
