import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { taggingService } from '../app.ts';
import { rowsIn, unique } from './testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(taggingService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

/** An id that no row has. */
const nobody = 4_000_000;
const create = (fields: Record<string, unknown>) => service.post('/api/tags', fields);
const sendText = (text: string) => service.post('/api/tags', text, { headers: { 'Content-Type': 'application/json' } });
const idsOf = (rows: { id: number }[]) => rows.map(({ id }) => id);

describe('create', () => {
  test('When only a name is sent, then the tag has no products and Location leads to it', async () => {
    const { status, headers, body } = await create({ tag_name: '  Crème Brûlée ' });

    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/api/tags/${body.id}`);
    expect(body).toEqual({
      id: expect.any(Number),
      tag_name: 'Crème Brûlée',
      slug: 'creme-brulee',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updated_at: body.created_at,
      version: 1,
      product_count: 0,
      products: [],
    });
    expect((await service.get(`/api/tags/${body.id}`)).body).toEqual(body);
  });

  test('When productIds is sent, then it has those products, by id, and each counts once', async () => {
    const products = await make.products(3);

    const { status, body } = await create({
      tag_name: unique('With products'),
      productIds: [...products.toReversed(), products[0]],
    });

    expect(status).toBe(201);
    expect(body.product_count).toBe(3);
    expect(idsOf(body.products)).toEqual(products);
  });

  test('When products are embedded, then they come with their own fields but without their associations', async () => {
    const productIds = await make.products(1);

    const { body } = await create({ tag_name: unique('Embeds'), productIds });

    expect(body.products).toEqual([
      {
        id: productIds[0],
        product_name: expect.any(String),
        slug: expect.any(String),
        sku: null,
        description: null,
        status: 'active',
        price: 1.5,
        stock: 10,
        category_id: null,
        image_urls: [],
        metadata: {},
        created_at: expect.any(String),
        updated_at: expect.any(String),
        version: 2,
      },
    ]);
  });

  test('When products get a tag, then the version of each moves on by one', async () => {
    const [tagged, other] = (await make.products(2)) as [number, number];

    await make.tag({ productIds: [tagged] });

    expect(await make.versionOf(tagged)).toBe(2);
    expect(await make.versionOf(other)).toBe(1);
  });

  test.each([
    ['case', 'Rock Music', 'ROCK MUSIC'],
    ['accents', 'Résumés', 'resumes'],
    ['spaces around it', 'jazz', '  jazz  '],
  ])('When the name differs from another in %s only, then it is 409 and names the holder', async (_, name, again) => {
    const held = await make.tag({ tag_name: name });

    const { status, body } = await create({ tag_name: again });

    expect(status).toBe(409);
    expect(body.code).toBe('duplicate');
    expect(body.errors).toEqual([
      { pointer: '/tag_name', code: 'duplicate', detail: `is taken by ${held.id}`, id: held.id },
    ]);
  });

  test('When name and slug are taken, then it is 409 and names both and who holds them', async () => {
    const [byName, bySlug] = [await make.tag({ tag_name: 'held name' }), await make.tag({ slug: 'held-slug' })];

    const { status, body } = await create({ tag_name: 'HELD NAME', slug: 'held-slug' });

    expect(status).toBe(409);
    expect(body.errors).toHaveLength(2);
    expect(body.errors).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ pointer: '/tag_name', id: byName.id }),
        expect.objectContaining({ pointer: '/slug', id: bySlug.id }),
      ]),
    );
  });

  test('When another name makes the same slug, then the slug is counted up', async () => {
    await make.tag({ tag_name: 'summer sale' });

    expect((await make.tag({ tag_name: 'summer: sale!' })).slug).toBe('summer-sale-2');
  });

  test('When two names are different emoji, then both are created, with slugs made of their ids', async () => {
    const [one, two] = [await make.tag({ tag_name: '🎩🦄' }), await make.tag({ tag_name: '🎉' })];

    expect([one.slug, two.slug]).toEqual([`tag-${one.id}`, `tag-${two.id}`]);
  });

  test('When the slug that an id would make is taken, then the next one is used', async () => {
    const { id } = await make.tag();
    await make.tag({ slug: `tag-${id + 2}` });

    expect(await make.tag({ tag_name: '🎈' })).toMatchObject({ id: id + 2, slug: `tag-${id + 2}-2` });
  });

  test('When products do not exist, then it is 422, names them all, and nothing is created', async () => {
    const [product] = (await make.products(1)) as [number];
    const tag_name = unique('Orphan');

    const { status, body } = await create({ tag_name, productIds: [nobody, product, Number.MAX_SAFE_INTEGER] });

    expect(status).toBe(422);
    expect(body).toMatchObject({
      code: 'unknown_reference',
      errors: [{ pointer: '/productIds', code: 'unknown_reference', ids: [nobody, Number.MAX_SAFE_INTEGER] }],
    });
    expect(await service.database.db.models.tag.count({ where: { tag_name } })).toBe(0);
    expect(await make.versionOf(product)).toBe(1);
  });

  test('When read-only fields are sent, then they are ignored', async () => {
    const { status, body } = await create({
      tag_name: unique('Copy'),
      id: nobody,
      product_count: 9,
      products: [{ id: 1 }],
      created_at: null,
      updated_at: 'yesterday',
      version: 77,
    });

    expect(status).toBe(201);
    expect(body).toMatchObject({ product_count: 0, products: [], version: 1 });
    expect(body.id).not.toBe(nobody);
  });

  test('When every field is wrong, then it is 400 and every fault is named at once', async () => {
    const { status, body } = await create({ tag_name: 5, slug: 'Not A Slug', productIds: [0, 1, 'a', 1.5], colour: 1 });

    expect(status).toBe(400);
    expect(Object.fromEntries(body.errors.map(({ pointer, code }: Record<string, string>) => [pointer, code]))).toEqual(
      {
        '/tag_name': 'invalid_type',
        '/slug': 'invalid_format',
        '/productIds/0': 'too_small',
        '/productIds/2': 'invalid_type',
        '/productIds/3': 'invalid_type',
        '/colour': 'unknown_field',
      },
    );
  });

  test.each([
    ['nothing', {}, 'required'],
    ['null', { tag_name: null }, 'invalid_type'],
    ['blank', { tag_name: ' \t\n' }, 'too_short'],
    ['not to be seen', { tag_name: '\u200b' }, 'too_short'],
    ['one that turns text round', { tag_name: 'a\u202eb' }, 'invalid_text'],
    ['256 emoji', { tag_name: '😀'.repeat(256) }, 'too_long'],
    ['half of an emoji', { tag_name: 'cut \ud83d' }, 'invalid_text'],
  ])('When the name is %s, then it is refused', async (_, fields, code) => {
    const { status, body } = await create(fields);

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '/tag_name', code }]);
  });

  test('When the name has 255 emoji, then it is stored', async () => {
    const tag_name = '😀'.repeat(255);

    expect((await make.tag({ tag_name })).tag_name).toBe(tag_name);
  });

  test.each(['[]', '"rock"', 'null'])('When the body is %s, then it is no object', async (text) => {
    const { status, body } = await sendText(text);

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '', code: 'invalid_type' }]);
  });

  test.each(['null', '7', '{}', '"1"'])('When productIds is %s, then it is no array', async (text) => {
    const { status, body } = await sendText(`{"tag_name":"${unique('Odd')}","productIds":${text}}`);

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '/productIds', code: 'invalid_type' }]);
  });

  test('When productIds has more than 10,000, then it is 400', async () => {
    const productIds = Array.from({ length: 10_001 }, (_, index) => index + 1);

    const { status, body } = await create({ tag_name: unique('Huge'), productIds });

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '/productIds', code: 'too_long', allowed: { maximum: 10_000 } }]);
  });
});

describe('read', () => {
  test('When a tag has more than 50 products, then it embeds the first 50 by id and counts all', async () => {
    const productIds = await make.products(53);
    const { id } = await make.tag({ productIds });

    const { status, body } = await service.get(`/api/tags/${id}`);

    expect(status).toBe(200);
    expect(body.product_count).toBe(53);
    expect(idsOf(body.products)).toEqual(productIds.slice(0, 50));
  });

  test.each(['4000000', '9'.repeat(30)])('When there is no tag %s, then it is 404', async (id) => {
    const { status, body } = await service.get(`/api/tags/${id}`);

    expect(status).toBe(404);
    expect(body.code).toBe('not_found');
  });

  test.each(['abc', '0', '1.5'])('When the id is %j, then it is 400 and names the parameter', async (id) => {
    const { status, body } = await service.get(`/api/tags/${id}`);

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ parameter: 'id' }]);
  });

  test('When tags are listed, then they come by id, each as it is when it is read alone', async () => {
    const one = await make.tag({ productIds: await make.products(2) });
    const two = await make.tag();

    const { status, body } = await service.get('/api/tags?_limit=250');

    expect(status).toBe(200);
    expect(idsOf(body)).toEqual(idsOf(body).toSorted((a, b) => a - b));
    expect(body.slice(-2)).toEqual([one, two]);
  });

  test('When next is followed to the end, then every tag comes once', async () => {
    const all = await service.database.db.models.tag.count();
    const seen: number[] = [];

    for (let next: string | undefined = '/api/tags?_limit=4'; next !== undefined; ) {
      const { body, headers } = await service.get(next);
      seen.push(...idsOf(body));
      next = /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
    }

    expect(new Set(seen).size).toBe(all);
    expect(seen).toHaveLength(all);
  });

  test('When a parameter is unknown or bad, then it is 400 and names each', async () => {
    const { status, body } = await service.get('/api/tags?_limit=251&_cursor=x&colour=red');

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ parameter: '_limit' }, { parameter: '_cursor' }, { parameter: 'colour' }]);
  });
});
