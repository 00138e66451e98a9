import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { rowsIn } from './testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(catalogService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

interface Row {
  id: number;
}

/** The paths of a `Link` header by their relation. */
function linksOf({ headers }: { headers: Headers }): Record<string, string> {
  const links = (headers.get('link') ?? '').matchAll(/<([^>]+)>; rel="(\w+)"/g);
  return Object.fromEntries([...links].map(([, path, rel]) => [rel, path]));
}

/** Follows one relation from page to page; `between` runs after every page. */
async function walk(path: string, rel: 'next' | 'prev', between: () => Promise<unknown> = async () => {}) {
  const pages: number[][] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const answer = await service.get(next);
    pages.push(answer.body.map((row: Row) => row.id));
    next = linksOf(answer)[rel];
    await between();
  }
  return pages;
}

/** The path of the last page. */
async function lastPage(path: string): Promise<string> {
  const next = linksOf(await service.get(path)).next;
  return next === undefined ? path : lastPage(next);
}

const allIds = async () => {
  const rows = await service.database.db.models.product.findAll({ attributes: ['id'], order: ['id'] });
  return rows.map((row) => row.get('id') as number);
};

describe('one', () => {
  test('When a product is read, then its category and tags come with it, without their own associations', async () => {
    const category = await make.category();
    const [tag, other] = [await make.tag(), await make.tag()];
    const { id } = await make.product({ category_id: category.id, tagIds: [other, tag] });
    await make.product({ category_id: category.id, tagIds: [tag] });

    const { status, body } = await service.get(`/api/products/${id}`);

    const { products, product_count, ...withoutAssociations } = category;
    expect(status).toBe(200);
    expect(body.category).toEqual(withoutAssociations);
    expect(body.tags).toMatchObject([{ id: tag }, { id: other }]);
    expect(Object.keys(body.tags[0])).toEqual(['id', 'tag_name', 'slug', 'created_at', 'updated_at', 'version']);
  });

  test.each(['4000000', '4294967296', '999999999999999', '9'.repeat(30)])(
    'When there is no product %s, then it is 404',
    async (id) => {
      const { status, body } = await service.get(`/api/products/${id}`);

      expect(status).toBe(404);
      expect(body.code).toBe('not_found');
    },
  );

  test.each(['abc', '0', '1.5', '-1', '1e3', '%20', '٣', '1;DROP', '0x1'])(
    'When the id is %j, then it is 400 and names the parameter',
    async (id) => {
      const { status, body } = await service.get(`/api/products/${id}`);

      expect(status).toBe(400);
      expect(body.errors).toMatchObject([{ parameter: 'id', code: 'invalid_format' }]);
    },
  );

  test('When a parameter is sent that one product does not have, then it is 400', async () => {
    const { id } = await make.product();

    const { status, body } = await service.get(`/api/products/${id}?fields=id&__proto__=1`);

    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: 'unknown_parameter',
      errors: [{ parameter: 'fields' }, { parameter: '__proto__' }],
    });
  });
});

describe('list', () => {
  beforeAll(async () => {
    const fields = ['product_name', 'slug', 'price'] as const;
    const rows = Array.from({ length: 120 }, (_, index) => ({
      product_name: `Row ${index}`,
      slug: `row-${index}`,
      price: index / 100,
    }));
    await service.database.db.models.product.bulkCreate(rows, { fields: [...fields] });
  });

  test('When no limit is sent, then it is the first 50 by id, with Link to first and next and no prev', async () => {
    const ids = await allIds();

    const answer = await service.get('/api/products');

    expect(answer.body.map((row: Row) => row.id)).toEqual(ids.slice(0, 50));
    expect(Object.keys(linksOf(answer))).toEqual(['first', 'next']);
  });

  test('When a product is listed, then it is the same as when it is read alone', async () => {
    const category = await make.category();
    const product = await make.product({ category_id: category.id, tagIds: [await make.tag()], metadata: { a: [1] } });

    const { body } = await service.get('/api/products?_limit=250');

    expect(body.find((row: Row) => row.id === product.id)).toEqual(product);
  });

  test('When next is followed to the end, then every row comes once and the last page has no next', async () => {
    const pages = await walk('/api/products?_limit=17', 'next');

    expect(pages.flat()).toEqual(await allIds());
  });

  test('When prev is followed from the end, then every row comes once and the first page has no prev', async () => {
    const forward = await walk('/api/products?_limit=17', 'next');

    const pages = await walk(await lastPage('/api/products?_limit=17'), 'prev');

    expect(pages.toReversed()).toEqual(forward);
  });

  test('When next follows prev, then it is the page that it came from', async () => {
    const first = await service.get('/api/products?_limit=10');
    const second = await service.get(linksOf(first).next as string);

    const back = await service.get(linksOf(second).prev as string);
    const again = await service.get(linksOf(back).next as string);

    expect(back.body).toEqual(first.body);
    expect(again.body).toEqual(second.body);
  });

  test.each(['next', 'prev'] as const)(
    'When rows come and go while %s is followed, then no row is repeated and none that stays is lost',
    async (rel) => {
      const before = await allIds();
      const doomed = before.filter((_, index) => index % 7 === 3);
      const removed: number[] = [];
      const churn = async () => {
        await make.product();
        // One from the front, one from the back: what has been seen and what is still to come.
        for (const id of [doomed.shift(), doomed.pop()]) {
          if (id === undefined) continue;
          await service.delete(`/api/products/${id}`);
          removed.push(id);
        }
      };
      const start = rel === 'next' ? '/api/products?_limit=9' : await lastPage('/api/products?_limit=9');

      const seen = (await walk(start, rel, churn)).flat();

      expect(new Set(seen).size).toBe(seen.length);
      expect(seen).toEqual(expect.arrayContaining(before.filter((id) => !removed.includes(id))));
    },
  );

  test('When every row behind a page is deleted, then the next one is empty and its prev leads back', async () => {
    const ids = await allIds();
    const { id } = await make.product();
    const page = await service.get(`/api/products?_limit=${ids.length}`);
    await service.delete(`/api/products/${id}`);

    const empty = await service.get(linksOf(page).next as string);
    const back = await service.get(linksOf(empty).prev as string);

    expect(empty.body).toEqual([]);
    expect(Object.keys(linksOf(empty))).toEqual(['first', 'prev']);
    expect(back.body).toEqual(page.body);
  });

  test.each(['1', '250'])('When _limit is %s, then at most so many come', async (limit) => {
    const { status, body } = await service.get(`/api/products?_limit=${limit}`);

    expect(status).toBe(200);
    expect(body).toHaveLength(Math.min(Number(limit), (await allIds()).length));
  });

  test.each(['0', '251', '-1', '1.5', 'ten', '', '9999999999'])('When _limit is %j, then it is 400', async (limit) => {
    const { status, body } = await service.get(`/api/products?_limit=${limit}`);

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ parameter: '_limit' }]);
  });

  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  test.each([
    ['rubbish', 'rubbish'],
    ['nothing', ''],
    ['no pair', encoded(['after'])],
    ['another direction', encoded(['around', 5])],
    ['SQL', encoded(['after', '0 OR 1=1'])],
    ['a negative id', encoded(['after', -1])],
    ['null', encoded(null)],
  ])('When the cursor is %s, then it is 400', async (_, cursor) => {
    const { status, body } = await service.get(`/api/products?_cursor=${cursor}`);

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ parameter: '_cursor', code: 'invalid_cursor' }]);
  });

  test('When parameters are unknown, then it is 400 unknown_parameter and names them all', async () => {
    const { status, body } = await service.get('/api/products?_offset=5&colour=red&__proto__=1');

    expect(status).toBe(400);
    expect(body.code).toBe('unknown_parameter');
    expect(body.errors.map((error: { parameter: string }) => error.parameter)).toEqual([
      '_offset',
      'colour',
      '__proto__',
    ]);
  });

  test('When an unknown parameter and a bad value come together, then both are named', async () => {
    const { status, body } = await service.get('/api/products?_limit=0&colour=red');

    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: 'validation_failed',
      errors: [{ parameter: '_limit' }, { parameter: 'colour' }],
    });
  });

  test('When a parameter is repeated, then it is 400', async () => {
    const { status, body } = await service.get('/api/products?_limit=5&_limit=6');

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ parameter: '_limit', code: 'invalid_value', detail: 'must be given once' }]);
  });
});
