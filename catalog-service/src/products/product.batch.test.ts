import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { select } from '@shop/db/connection/connection.ts';
import { lastDeadlock } from '@shop/testing/database.ts';
import { allRows, atOnce, startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { rowsIn, unique } from './testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(catalogService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

const path = '/api/products/batch';
/** An id that no row has. */
const nobody = 4_000_000;
const named = (fields: Record<string, unknown> = {}): Record<string, unknown> => ({
  product_name: unique('Batch'),
  price: 1,
  ...fields,
});
const times = <T>(count: number, one: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => one(i));
const batch = (body: unknown, query = '', headers: Record<string, string> = {}) =>
  service.post(path + query, body, { headers });
const read = async (id: number) => (await service.get(`/api/products/${id}`)).body;
const statusesOf = (items: { status: number }[]) => items.map(({ status }) => status);

describe('what is done', () => {
  test('When there is one of each, then each is answered at its place as it would be alone', async () => {
    const [changed, gone] = [await make.product({ stock: 3 }), await make.product({ tagIds: [await make.tag()] })];

    const { status, body } = await batch({
      create: [named({ sku: 'BATCH-1' })],
      update: [{ id: changed.id, stock: 8 }],
      delete: [gone.id],
    });

    expect(status).toBe(200);
    expect([...body.create, ...body.update, ...body.delete].map((item) => item.status)).toEqual([201, 200, 200]);
    expect(body.create[0].resource).toEqual(await read(body.create[0].resource.id));
    expect(body.create[0].resource.sku).toBe('BATCH-1');
    expect(body.update[0].resource).toEqual(await read(changed.id));
    expect(body.update[0].resource).toMatchObject({ stock: 8, version: 2 });
    expect(body.delete[0].resource).toEqual({ ...gone, effects: { tags_detached: 1 } });
    expect(await read(gone.id)).toMatchObject({ code: 'not_found' });
  });

  test('When several are created, changed and deleted, then the answer has the order of the body', async () => {
    const [a, b, c, d] = [await make.product(), await make.product(), await make.product(), await make.product()];
    const names = [unique('Zebra'), unique('Apple'), unique('Mango')];

    const { body } = await batch({
      create: names.map((product_name) => named({ product_name })),
      update: [
        { id: b.id, stock: 1 },
        { id: a.id, stock: 2 },
      ],
      delete: [{ id: d.id }, c.id],
    });

    const idsOf = (items: { resource: { id: number } }[]) => items.map(({ resource }) => resource.id);
    expect(body.create.map((item: { resource: { product_name: string } }) => item.resource.product_name)).toEqual(
      names,
    );
    expect(idsOf(body.update)).toEqual([b.id, a.id]);
    expect(idsOf(body.delete)).toEqual([d.id, c.id]);
  });

  test('When 1,000 are created with two tags each, then all are there with their tags and their ledgers', async () => {
    const [first, second, category] = [await make.tag(), await make.tag(), await make.category()];
    const create = Array.from({ length: 1_000 }, (_, index) =>
      named({ sku: `THOUSAND-${index}`, stock: index, category_id: category.id, tagIds: [second, first] }),
    );

    const { status, body } = await batch({ create });

    expect(status).toBe(200);
    const items: Record<string, unknown>[] = body.create.map(({ resource }: { resource: object }) => resource);
    expect(items.map(({ sku, stock }) => [sku, stock])).toEqual(create.map(({ sku, stock }) => [sku, stock]));
    expect(items[999]).toEqual(await read(items[999]?.id as number));
    expect(items[999]).toMatchObject({ tags: [{ id: first }, { id: second }], category: { id: category.id } });
    expect((await make.ledgerOf(items[999]?.id as number)).movements).toMatchObject([{ delta: 999, stock: 999 }]);
    expect((await make.ledgerOf(items[0]?.id as number)).movements).toEqual([]);
  });

  test('When 300 of one name are created beside others, then each has a slug of its own, the first ones first', async () => {
    await make.product({ product_name: 'Same again' });
    const others = Array.from({ length: 150 }, () => named({ product_name: unique('Other name') }));
    const create = [...Array.from({ length: 300 }, () => named({ product_name: 'Same again' })), ...others];

    const { body } = await batch({ create });

    const slugs = body.create.map(({ resource }: { resource: { slug: string } }) => resource.slug);
    expect(slugs.slice(0, 2)).toEqual(['same-again-2', 'same-again-3']);
    expect(new Set(slugs).size).toBe(450);
  });

  test('When names differ by the number that a slug would get, then each has a slug of its own', async () => {
    const names = ['Shoe', 'Shoe 2', 'Shoe', 'Shoe', 'Shoe 2'];

    const { status, body } = await batch({ create: names.map((product_name) => named({ product_name })) });

    const slugs = body.create.map(({ resource }: { resource: { slug: string } }) => resource.slug);
    expect([status, new Set(slugs).size, slugs[0]]).toEqual([200, 5, 'shoe']);
  });

  test('When a slug is asked for that others would be given, then it is theirs who asked, or refused like alone', async () => {
    const asking = named({ slug: 'asked-twice' });
    const sameName = () => named({ product_name: 'Asked twice' });

    const first = await batch({ create: [asking, sameName(), sameName()] });
    const last = await service.post(`${path}?_on_error=continue`, {
      create: [named({ product_name: 'Asked late' }), named({ slug: 'asked-late' })],
    });

    const slugs = first.body.create.map(({ resource }: { resource: { slug: string } }) => resource.slug);
    expect(slugs).toEqual(['asked-twice', 'asked-twice-2', 'asked-twice-3']);
    expect(statusesOf(last.body.create)).toEqual([201, 409]);
  });

  test('When names have no letters, or slugs are asked for, then each gets what it would get alone', async () => {
    const { body } = await batch({
      create: [named({ product_name: '★' }), named({ slug: 'asked-for' }), named({ product_name: 'Crème & brûlée' })],
    });

    const [star, asked, brulee] = body.create.map(({ resource }: { resource: object }) => resource);
    expect([star.slug, asked.slug, brulee.slug]).toEqual([`product-${star.id}`, 'asked-for', 'creme-and-brulee']);
  });

  test('When fields are left out, then they have the same defaults as alone, whatever the others have', async () => {
    const alone = await make.product({ price: 2 });

    const { body } = await batch({
      create: [
        named({ price: 2 }),
        named({ stock: 4, metadata: { a: ["it's", '\\"'] }, image_urls: [], description: null }),
      ],
    });

    const { product_name, slug, id, created_at, updated_at, ...defaults } = alone;
    expect(body.create[0].resource).toMatchObject(defaults);
    expect(body.create[1].resource).toMatchObject({ stock: 4, metadata: { a: ["it's", '\\"'] }, description: null });
  });

  test('When what is deleted or changed frees an SKU, then what is created or changed can take it', async () => {
    const [gone, changed] = [await make.product({ sku: 'FREED-1' }), await make.product({ sku: 'FREED-2' })];

    const { status, body } = await batch({
      create: [named({ sku: 'FREED-2' })],
      update: [{ id: changed.id, sku: 'FREED-1' }],
      delete: [gone.id],
    });

    expect(status).toBe(200);
    expect([body.create[0].resource.sku, body.update[0].resource.sku]).toEqual(['FREED-2', 'FREED-1']);
  });

  test('When one is changed twice, then the second change meets what the first has left', async () => {
    const { id } = await make.product();

    const { body } = await batch({
      update: [
        { id, version: 1, stock: 5 },
        { id, version: 2, stock: 6 },
      ],
    });

    expect(statusesOf(body.update)).toEqual([200, 200]);
    expect(await read(id)).toMatchObject({ stock: 6, version: 3 });
    expect((await make.ledgerOf(id)).sum).toBe(6);
  });

  test.each([{}, { create: [] }, { create: [], update: [], delete: [] }])(
    'When there is nothing in %j, then nothing is done, and that is no fault',
    async (body) => {
      const answer = await batch(body);

      expect([answer.status, answer.body]).toEqual([200, { create: [], update: [], delete: [] }]);
    },
  );
});

describe('very many tags', () => {
  /** More than one list of a statement can hold. */
  const many = 33_000;
  const pieces = (ids: number[]) => times(Math.ceil(ids.length / 1_000), (i) => ids.slice(i * 1_000, (i + 1) * 1_000));

  test('When products have them all, a thousand each, beside others, then all are linked', async () => {
    const rows = times(many, (i) => `('many ${i}', 'many-${i}')`).join();
    const { sequelize } = service.database.db;
    await sequelize.query(`INSERT INTO tag (tag_name, slug) VALUES ${rows}`);
    const tags = await select<{ id: number }>(
      service.database.db,
      "SELECT id FROM tag WHERE slug LIKE 'many-%' ORDER BY id",
    );
    const ids = tags.map(({ id }) => id);

    const create = [...pieces(ids).map((tagIds) => named({ tagIds })), ...times(250, () => named())];
    const { status, headers, body } = await batch({ create });

    expect([status, headers.get('preference-applied')]).toEqual([200, 'return=minimal']);
    const created: number[] = body.create.map(({ resource }: { resource: { id: number } }) => resource.id);
    const links = await select<{ tag_id: number }>(
      service.database.db,
      `SELECT tag_id FROM product_tag WHERE product_id IN (${created.join()}) ORDER BY tag_id`,
    );
    expect(links.map(({ tag_id }) => tag_id)).toEqual(ids);
  });

  test('When none of them exists, then each operation is refused for its own', async () => {
    const ids = times(many, (i) => nobody + i);

    const { status, body } = await batch({ create: pieces(ids).map((tagIds) => named({ tagIds })) });

    expect([status, body.items.length]).toEqual([422, 33]);
    expect(body.errors.map(({ code }: { code: string }) => code)).toEqual(Array(33).fill('unknown_reference'));
    // A problem names 100 of them.
    const firstOfEach = pieces(ids).map((piece) => piece.slice(0, 100));
    expect(body.errors.map((fault: { ids: number[] }) => fault.ids)).toEqual(firstOfEach);
  });
});

describe('like every write', () => {
  test('When it is tried, then it is answered like the real one, and nothing changes', async () => {
    const [changed, gone] = [await make.product(), await make.product()];
    const before = await allRows(service.database);

    const { status, headers, body } = await batch(
      { create: [named(), named()], update: [{ id: changed.id, price: 9 }], delete: [gone.id] },
      '?_dry_run=true',
    );

    expect([status, headers.get('dry-run')]).toEqual([200, 'true']);
    expect([...body.create, ...body.update, ...body.delete].map((item) => item.status)).toEqual([201, 201, 200, 200]);
    expect(await allRows(service.database)).toEqual(before);
  });

  test('When it is sent again with its key, then it is not done again', async () => {
    const { id } = await make.product({ stock: 1 });
    const body = { create: [named(), named()], update: [{ id, version: 1, stock: 7 }] };
    const first = await batch(body, '', { 'Idempotency-Key': 'batch-once' });
    const before = await allRows(service.database);

    const again = await batch(body, '', { 'Idempotency-Key': 'batch-once' });

    expect([first.status, again.status, again.text]).toEqual([200, 200, first.text]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await allRows(service.database)).toEqual(before);
  });

  test('When a key is used for another batch, then it is 422', async () => {
    await batch({ create: [named()] }, '', { 'Idempotency-Key': 'batch-other' });

    const { status, body } = await batch({ create: [named()] }, '', { 'Idempotency-Key': 'batch-other' });

    expect([status, body.code]).toEqual([422, 'idempotency_key_reused']);
  });

  test('When versions are asked for, then an operation without one is 428, and one with it is done', async () => {
    const strict = await startTestService(catalogService, { database: service.database, requirePrecondition: true });
    const [one, other] = [await make.product(), await make.product()];
    try {
      const { body } = await strict.post(`${path}?_on_error=continue`, {
        create: [named()],
        update: [
          { id: one.id, stock: 1 },
          { id: one.id, stock: 2, version: 1 },
        ],
        delete: [other.id, { id: other.id, version: 1 }],
      });

      expect([body.create, body.update, body.delete].map(statusesOf)).toEqual([[201], [428, 200], [428, 200]]);
    } finally {
      await strict.stop();
    }
  });

  test('When 50 batches change the same products in different orders, then all are done, and none meets a deadlock', async () => {
    const products = await Promise.all(times(8, () => make.product({ stock: 0 })));
    const turned = (by: number) => products.map((_, index) => products[(index * (by % 2 ? 1 : -1) + by + 64) % 8]);
    // A connection for each, so that they wait for rows and not for connections; and time, for a machine that is slow.
    const options = { database: service.database, poolMax: 50, requestTimeout: 100_000 };
    const wide = await startTestService(catalogService, options);
    try {
      const answers = await atOnce(50, (index) =>
        wide.post(path, { update: turned(index).map((product) => ({ id: product.id, stock: index + 1 })) }),
      );

      expect(statusesOf(answers)).toEqual(Array(50).fill(200));
    } finally {
      await wide.stop();
    }
    const after = await Promise.all(products.map(({ id }) => read(id)));
    expect(new Set(after.map(({ stock }) => stock)).size).toBe(1);
    expect(after.map(({ version }) => version)).toEqual(Array(8).fill(51));
    const ledgers = await Promise.all(products.map(({ id }) => make.ledgerOf(id)));
    expect(ledgers.map(({ sum }) => sum)).toEqual(after.map(({ stock }) => stock));
    expect(await lastDeadlock(service.database)).not.toContain(service.database.owner.database);
  });

  test('When nobody has an id, then creating and deleting others in the same batch is undone, too', async () => {
    const gone = await make.product();
    const before = await allRows(service.database);

    const { status } = await batch({ create: [named()], update: [{ id: nobody, stock: 1 }], delete: [gone.id] });

    expect(status).toBe(422);
    expect(await allRows(service.database)).toEqual(before);
  });
});
