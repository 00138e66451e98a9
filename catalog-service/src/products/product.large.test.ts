import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { select } from '@shop/db/connection/connection.ts';
import { responseBytes } from '@shop/service-kit/response-bound.ts';
import type { TestResponse } from '@shop/testing/http.ts';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { rowsIn } from './testing.ts';

const path = '/api/products';

/** Longer than a description may be now. */
const longText = 1_000 * 1_024;
const many = 12;

let service: TestService;
let make: ReturnType<typeof rowsIn>;
/** Products whose descriptions are from before there was a limit, by id. */
let ids: number[];
beforeAll(async () => {
  service = await startTestService(catalogService);
  make = rowsIn(service);
  const products = [];
  for (let count = 0; count < many; count++) products.push(await make.product({ stock: count }));
  ids = products.map(({ id }) => id);
  await service.database.db.sequelize.query(`UPDATE product SET description = REPEAT('x', ${longText})`);
});
afterAll(() => service.stop());

const nextOf = ({ headers }: TestResponse) => /<([^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
const idsOf = ({ body }: TestResponse): number[] => body.map(({ id }: { id: number }) => id);

/** All pages from one on. */
async function pagesFrom(first: string): Promise<TestResponse[]> {
  const pages: TestResponse[] = [];
  for (let next: string | undefined = first; next; ) {
    const page = await service.get(next);
    pages.push(page);
    next = nextOf(page);
  }
  return pages;
}

describe('pages by cursor', () => {
  test.each(['_limit=250', '_limit=250&_sort=stock&_order=desc'])(
    'When products are too long for one page of %s, then pages end early, and lead to all of them once',
    async (query) => {
      const pages = await pagesFrom(`${path}?${query}`);

      expect(pages.map(({ status }) => status)).toEqual(pages.map(() => 200));
      expect(pages.flatMap(idsOf).toSorted((a, b) => a - b)).toEqual(ids);
      expect(Math.max(...pages.map(({ text }) => text.length))).toBeLessThanOrEqual(responseBytes + 1_024);
      expect(pages.length).toBeGreaterThan(2);
    },
  );

  test('When a page before another ends early, then it has those next to it', async () => {
    const pages = await pagesFrom(`${path}?_limit=250`);
    const last = pages.at(-1) as TestResponse;
    const back = /<([^>]*)>; rel="prev"/.exec(last.headers.get('link') ?? '')?.[1] as string;

    const before = await service.get(back);

    const first = ids.indexOf(idsOf(last)[0] as number);
    expect(idsOf(before)).toEqual(ids.slice(first - before.body.length, first));
    expect(before.headers.get('link')).toContain('rel="prev"');
  });

  test('When ids are named, then those that have room are answered, and the next page has the others', async () => {
    const query = ids.map((id) => `id=${id}`).join('&');
    const pages = await pagesFrom(`${path}?${query}&_limit=250`);

    expect(pages.flatMap(idsOf)).toEqual(ids);
  });

  test('When a text takes more room as JSON than it is long, then the page still ends in time', async () => {
    const quoted = await make.product();
    await service.database.db.sequelize.query(
      `UPDATE product SET description = REPEAT(CHAR(1), 900000) WHERE id = ${quoted.id}`,
    );
    const { text, body } = await service.get(`${path}?id=${quoted.id}&id=${ids[0]}`);
    await service.delete(`${path}/${quoted.id}`);

    expect(body).toHaveLength(1);
    expect(text.length).toBeLessThan(2 * responseBytes);
  });
});

describe('windows by offset', () => {
  test.each([
    ['_start=0&_end=12', '_end'],
    ['_page=1&_limit=12', '_limit'],
  ])(
    'When %s asks for more than a response may have, then it is 400, and says how to ask for less',
    async (query, parameter) => {
      const { status, body } = await service.get(`${path}?${query}`);

      expect([status, body.code]).toEqual([400, 'validation_failed']);
      expect(body.errors).toMatchObject([{ parameter, code: 'too_large', allowed: { maximum: 4 } }]);
      for (const way of ['_fields', '_embed=', '_cursor', 'fewer rows']) expect(body.detail).toContain(way);
    },
  );

  test('When it is asked for as it says, then it is answered', async () => {
    const fewer = await service.get(`${path}?_start=0&_end=4`);
    const less = await service.get(`${path}?_start=0&_end=12&_fields=id,price`);

    expect([fewer.status, fewer.body.length]).toEqual([200, 4]);
    expect([less.status, less.body.length]).toEqual([200, many]);
  });
});

describe('columns', () => {
  test.each([`${path}?_fields=id`, `${path}/ID?_fields=id`])(
    'When %s is read, then no column is read that can be long',
    async (asked) => {
      service.statements.length = 0;
      await service.get(asked.replace('ID', String(ids[0])));

      expect(service.statements.join()).not.toMatch(/description|metadata|image_urls/);
    },
  );

  test('When many prices are changed, then no description is read whole, and the answer says that it is short', async () => {
    service.statements.length = 0;
    const { status, headers, body } = await service.post(`${path}/batch`, {
      update: ids.map((id) => ({ id, price: 2 })),
    });

    expect([status, headers.get('preference-applied')]).toEqual([200, 'return=minimal']);
    expect(body.update).toEqual(ids.map((id) => ({ status: 200, resource: { id, version: 2 } })));
    expect((await service.get(`${path}?price=2&_fields=id&_limit=250`)).body).toHaveLength(many);
  });

  test('When a batch asks for the least, then it gets no more, and nothing is read back', async () => {
    service.statements.length = 0;
    const { headers, body } = await service.post(`${path}/batch?_return=minimal`, {
      create: [{ product_name: 'Least', price: 1 }],
    });
    const [{ resource }] = body.create;
    await service.delete(`${path}/${resource.id}`);

    expect(headers.get('preference-applied')).toBe('return=minimal');
    expect(resource).toEqual({ id: resource.id, version: 1 });
  });

  test('When long products are deleted by a batch, then the answer still counts what went with them', async () => {
    const tag = await make.tag();
    const doomed = [];
    for (let count = 0; count < 5; count++) doomed.push((await make.product({ tagIds: [tag] })).id);
    await service.database.db.sequelize.query(
      `UPDATE product SET description = REPEAT('x', ${longText}) WHERE id IN (${doomed.join()})`,
    );
    const { body } = await service.post(`${path}/batch`, { delete: doomed });

    expect(body.delete).toEqual(
      doomed.map((id) => ({ status: 200, resource: { id, version: 1, effects: { tags_detached: 1 } } })),
    );
  });
});

describe('the limit', () => {
  test('When a description is longer than 65,535 bytes, then it is refused, new and changed', async () => {
    const description = 'ä'.repeat(32_768);
    const answers = [
      await service.post(path, { product_name: 'Long', price: 1, description }),
      await service.put(`${path}/${ids[0]}`, { description }),
      await service.post(`${path}/batch`, { update: [{ id: ids[0], description }], create: [] }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([400, 400, 422]);
    expect(answers.map(({ body }) => body.errors[0])).toMatchObject(
      ['/description', '/description', '/update/0/description'].map((pointer) => ({ pointer, code: 'too_long' })),
    );
  });

  test('When a longer one from before is sent back as it was read, then the rest is changed', async () => {
    const { body: read } = await service.get(`${path}/${ids[1]}`);
    const { status, body } = await service.put(`${path}/${ids[1]}`, { ...read, price: 3 });

    expect([status, body.price, body.version]).toEqual([200, 3, read.version + 1]);
    expect(body.description === read.description).toBe(true);
  });

  test('When it is made shorter, or goes, then that is a change like any other', async () => {
    const { status, body } = await service.patch(`${path}/${ids[2]}`, { description: 'short' });
    const same = await service.patch(`${path}/${ids[2]}`, { description: 'short' });
    const none = await service.patch(`${path}/${ids[2]}`, { description: null });
    await service.database.db.sequelize.query(
      `UPDATE product SET description = REPEAT('x', ${longText}) WHERE id = ${ids[2]}`,
    );

    expect([status, body.description]).toEqual([200, 'short']);
    expect([same.body.version, none.body.version, none.body.description]).toEqual([
      body.version,
      body.version + 1,
      null,
    ]);
  });
});

describe('many tags', () => {
  test('When a product has more than a thousand, then it shows a thousand, and says so', async () => {
    const rows = Array.from({ length: 1_200 }, (_, index) => `('wide ${index}', 'wide-${index}')`).join();
    const { db } = service.database;
    await db.sequelize.query(`INSERT INTO tag (tag_name, slug) VALUES ${rows}`);
    const wide = [];
    for (let count = 0; count < 12; count++) wide.push((await make.product()).id);
    await db.sequelize.query(
      `INSERT INTO product_tag SELECT product.id, tag.id FROM product JOIN tag ON tag.slug LIKE 'wide-%' WHERE product.id IN (${wide.join()})`,
    );

    const one = await service.get(`${path}/${wide[0]}`);
    const pages = await pagesFrom(`${path}?_limit=250&id_gte=${wide[0]}`);
    await db.sequelize.query(`DELETE FROM product WHERE id IN (${wide.join()})`);

    expect([one.body.tags.length, one.body.tags_truncated]).toEqual([1_000, true]);
    expect(pages.flatMap(idsOf)).toEqual(wide);
    expect(pages[0]?.body[0]).toEqual(one.body);
    expect(Math.max(...pages.map(({ text }) => text.length))).toBeLessThanOrEqual(responseBytes + 1_024);
  });
});

describe('embedded in categories', () => {
  test('When products are too long to be embedded, then they are cut, and the answers say so', async () => {
    const categories = [await make.category(), await make.category()];
    const [category] = categories;
    const inside = [];
    for (let count = 0; count < 5; count++) inside.push((await make.product({ category_id: category.id })).id);
    await service.database.db.sequelize.query(
      `UPDATE product SET description = REPEAT('x', 300000) WHERE id IN (${inside.join()})`,
    );
    const one = await service.get(`/api/categories/${category.id}`);
    const list = await service.get('/api/categories');
    const chosen = await service.get('/api/categories?_fields=id,products');
    const without = await service.get('/api/categories?_embed=');
    await service.database.db.sequelize.query(`DELETE FROM product WHERE id IN (${inside.join()})`);

    expect([one.body.product_count, one.body.products.length, one.body.products_truncated]).toEqual([5, 3, true]);
    expect(one.body.products[2].description).toHaveLength(300_000);
    expect(list.body[0]).toEqual(one.body);
    expect(list.body[1]).not.toHaveProperty('products_truncated');
    expect(chosen.body[0]).toMatchObject({ id: category.id, products_truncated: true });
    expect(without.body[0]).not.toHaveProperty('products_truncated');
  });

  test('When categories have long descriptions and many products, then every page and the tree are bounded', async () => {
    const { db } = service.database;
    await db.sequelize.query(
      `INSERT INTO category (category_name, slug, description)
       WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 200)
       SELECT CONCAT('long ', n), CONCAT('long-', n), REPEAT('x', 60000) FROM numbers`,
    );
    const [first] = await select<{ id: number }>(db, "SELECT MIN(id) AS id FROM category WHERE slug LIKE 'long-%'");
    const pages = await pagesFrom(`/api/categories?_limit=250&id_gte=${first?.id}`);
    const tree = await service.get('/api/categories/tree');
    const less = await service.get('/api/categories/tree?_fields=id,category_name');

    expect(pages.flatMap(idsOf)).toHaveLength(200);
    expect(Math.max(...pages.map(({ text }) => text.length))).toBeLessThanOrEqual(responseBytes + 1_024);
    expect([tree.status, tree.body.errors[0].code]).toEqual([400, 'too_large']);
    expect([less.status, Object.keys(less.body[0])]).toEqual([200, ['id', 'category_name', 'children']]);
  });
});
