/** A product as an INSERT; its values are SQL. */
export const product = (id: number, values: Record<string, string | number> = {}) => {
  const row = { id, product_name: `'P${id}'`, slug: `'p-${id}'`, price: 1, stock: 0, ...values };
  return `INSERT INTO product (${Object.keys(row)}) VALUES (${Object.values(row)})`;
};
const category = (id: number, parent: number | null, name = `C${id}`) =>
  `INSERT INTO category (id, category_name, slug, parent_id) VALUES (${id}, '${name}', 'c-${id}', ${parent ?? 'NULL'})`;
const tag = (id: number, name: string, slug = `t-${id}`) =>
  `INSERT INTO tag (id, tag_name, slug) VALUES (${id}, '${name}', '${slug}')`;
const movement = (product_id: number, delta: number, stock: number) =>
  `INSERT INTO stock_movement (product_id, delta, stock) VALUES (${product_id}, ${delta}, ${stock})`;

/** A chain of categories, each in the one before. */
const chain = (first: number, length: number) =>
  Array.from({ length }, (_, index) => category(first + index, index === 0 ? null : first + index - 1));

/** A way to break one rule. */
export interface Case {
  what: string;
  /** Statements, for a session without foreign keys on a database without other constraints. */
  damage: string[];
  /** How many are found, and the first five. */
  found: (number | string)[];
  /** Others that the same damage shows up in. */
  also?: Record<string, (number | string)[]>;
  /** A question, and its answer after the repair. */
  after: [string, object[]];
}

export const sums = 'products whose movements do not add up to their stock';
const lasts = 'products whose last movement ends with another stock';

export const cases: Case[] = [
  {
    what: 'products with less than 0 in stock',
    damage: [product(101, { stock: -3 }), movement(101, 4, 4)],
    found: [1, '101'],
    also: { [sums]: [1, '101'], [lasts]: [1, '101'] },
    after: [
      'SELECT product.stock, version, SUM(delta) AS sum FROM product JOIN stock_movement ON product_id = product.id WHERE product.id = 101 GROUP BY product.id',
      [{ stock: 0, version: 2, sum: 0 }],
    ],
  },
  {
    what: 'products with a price below 0',
    damage: [product(111, { price: -1 })],
    found: [1, '111'],
    after: ['SELECT price, status, version FROM product WHERE id = 111', [{ price: 0, status: 'draft', version: 2 }]],
  },
  {
    what: 'products with an unknown status',
    damage: [product(121, { status: "'sold'" })],
    found: [1, '121'],
    after: ['SELECT status FROM product WHERE id = 121', [{ status: 'draft' }]],
  },
  {
    what: 'products with an empty name',
    damage: [product(131, { product_name: "''" })],
    found: [1, '131'],
    after: [
      'SELECT product_name, status FROM product WHERE id = 131',
      [{ product_name: 'product 131', status: 'active' }],
    ],
  },
  {
    what: 'categories with an empty name',
    damage: [category(141, null, ''), category(142, null, 'Category 141')],
    found: [1, '141'],
    after: [
      'SELECT category_name, version FROM category WHERE id = 141',
      [{ category_name: 'category 141 (141)', version: 2 }],
    ],
  },
  {
    what: 'tags with an empty name',
    damage: [tag(151, '')],
    found: [1, '151'],
    after: ['SELECT tag_name, version FROM tag WHERE id = 151', [{ tag_name: 'tag 151', version: 2 }]],
  },
  {
    what: 'products in a category that does not exist',
    damage: Array.from({ length: 7 }, (_, index) => product(161 + index, { category_id: 9_999 })),
    found: [7, '161', '162', '163', '164', '165'],
    after: [
      'SELECT category_id, version, COUNT(*) AS count FROM product WHERE id BETWEEN 161 AND 167 GROUP BY category_id, version',
      [{ category_id: null, version: 2, count: 7 }],
    ],
  },
  {
    what: 'links (product/tag) to a product or tag that does not exist',
    damage: [product(171), 'INSERT INTO product_tag (product_id, tag_id) VALUES (171, 1), (171, 9999), (9999, 1)'],
    found: [2, '171/9999', '9999/1'],
    after: ['SELECT product_id, tag_id FROM product_tag WHERE product_id > 170', [{ product_id: 171, tag_id: 1 }]],
  },
  {
    what: 'movements of the stock of a product that does not exist',
    damage: ['INSERT INTO stock_movement (id, product_id, delta, stock) VALUES (777, 9999, 1, 1)'],
    found: [1, '777'],
    after: ['SELECT id FROM stock_movement WHERE product_id = 9999', []],
  },
  {
    what: sums,
    damage: [product(181, { stock: 5 }), product(182, { stock: 5 }), movement(182, 9, 5)],
    found: [2, '181', '182'],
    also: { [lasts]: [1, '181'] },
    after: [
      "SELECT product_id, delta, stock FROM stock_movement WHERE reason = 'repair' AND product_id IN (181, 182) ORDER BY product_id",
      [
        { product_id: 181, delta: 5, stock: 5 },
        { product_id: 182, delta: -4, stock: 5 },
      ],
    ],
  },
  {
    what: lasts,
    damage: [product(191, { stock: 5 }), movement(191, 4, 4), movement(191, 1, 7)],
    found: [1, '191'],
    after: ['SELECT stock FROM stock_movement WHERE product_id = 191 ORDER BY id', [{ stock: 4 }, { stock: 5 }]],
  },
  {
    what: 'missing rows of mutex, without which two moves could make a cycle',
    damage: ['DELETE FROM mutex'],
    found: [1, '1'],
    after: ['SELECT name FROM mutex', [{ name: 'category_tree' }]],
  },
  {
    what: 'categories in a category that does not exist',
    damage: [category(201, 9_999), category(202, 9_998, 'SHÎRTS'), category(203, 9_999, 'Shirts')],
    found: [3, '201', '202', '203'],
    after: [
      'SELECT parent_id, category_name, version FROM category WHERE id BETWEEN 201 AND 203 ORDER BY id',
      [
        { parent_id: null, category_name: 'C201', version: 2 },
        { parent_id: null, category_name: 'SHÎRTS (202)', version: 2 },
        { parent_id: null, category_name: 'Shirts (203)', version: 2 },
      ],
    ],
  },
  {
    what: 'cycles of categories',
    damage: [category(211, 211), category(212, 214), category(213, 212), category(214, 213), category(215, 213)],
    found: [2, '211', '212'],
    after: [
      'SELECT id, parent_id FROM category WHERE id BETWEEN 211 AND 215 ORDER BY id',
      [
        { id: 211, parent_id: null },
        { id: 212, parent_id: null },
        { id: 213, parent_id: 212 },
        { id: 214, parent_id: 213 },
        { id: 215, parent_id: 213 },
      ],
    ],
  },
  {
    what: 'categories deeper than 32, by where to cut',
    damage: [...chain(301, 32), ...chain(401, 70)],
    found: [2, '433', '465'],
    after: [
      'SELECT id FROM category WHERE id BETWEEN 301 AND 470 AND parent_id IS NULL ORDER BY id',
      [{ id: 301 }, { id: 401 }, { id: 433 }, { id: 465 }],
    ],
  },
  {
    what: 'categories that have the name of a sibling',
    damage: [
      category(501, null, 'Hüte'),
      category(502, null, 'HUTE'),
      category(503, 501, 'Hute'),
      category(504, null, 'hute (502)'),
    ],
    found: [1, '502'],
    after: [
      'SELECT category_name, version FROM category WHERE id BETWEEN 501 AND 504 ORDER BY id',
      [
        { category_name: 'Hüte', version: 1 },
        { category_name: 'HUTE (502-2)', version: 2 },
        { category_name: 'Hute', version: 1 },
        { category_name: 'hute (502)', version: 1 },
      ],
    ],
  },
  {
    what: 'tags that have the name of another',
    damage: [tag(511, 'BLUE')],
    found: [1, '511'],
    after: ['SELECT tag_name FROM tag WHERE id = 511', [{ tag_name: 'BLUE (511)' }]],
  },
  {
    what: 'tags that have the slug of another',
    damage: [tag(521, 'azure', 'blue')],
    found: [1, '521'],
    after: ['SELECT slug FROM tag WHERE id = 521', [{ slug: 'blue-521' }]],
  },
  {
    what: 'products that have the slug of another',
    damage: [product(531), product(532, { slug: "'p-531'" }), product(533, { slug: "'p-531'" })],
    found: [2, '532', '533'],
    after: [
      'SELECT slug FROM product WHERE id IN (532, 533) ORDER BY id',
      [{ slug: 'p-531-532' }, { slug: 'p-531-533' }],
    ],
  },
  {
    what: 'products that have the sku of another',
    damage: [product(541, { sku: `'${'S'.repeat(64)}'` }), product(542, { sku: `'${'s'.repeat(64)}'` })],
    found: [1, '542'],
    after: ['SELECT sku FROM product WHERE id = 542', [{ sku: `${'s'.repeat(60)}-542` }]],
  },
  {
    what: 'categories that have the slug of another',
    damage: [category(551, null), "UPDATE category SET slug = 'hats' WHERE id = 551"],
    found: [1, '551'],
    after: ['SELECT slug FROM category WHERE id = 551', [{ slug: 'hats-551' }]],
  },
  {
    what: 'products with outdated search terms',
    damage: ["UPDATE product SET product_name = 'Renamed Hat', sku = 'RH1' WHERE id = 3"],
    found: [1, '3'],
    after: ['SELECT terms FROM product_search WHERE id = 3', [{ terms: ' w_renamed w_hat | w_rh1 w_rh w_1 | | ' }]],
  },
  {
    what: 'categories with outdated search terms',
    damage: ["UPDATE category_search SET terms = '' WHERE id = 3"],
    found: [1, '3'],
    after: ['SELECT terms FROM category_search WHERE id = 3', [{ terms: ' w_music | | ' }]],
  },
  {
    what: 'tags with outdated search terms',
    damage: ["UPDATE tag_search SET terms = ' w_black | ' WHERE id = 4"],
    found: [1, '4'],
    after: ['SELECT terms FROM tag_search WHERE id = 4', [{ terms: ' w_red | ' }]],
  },
];
