import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { rowsIn } from './testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
/** A product with 11 movements, to 10, 9, …, 0, and one with other movements. */
let product: { id: number };
let other: { id: number };
beforeAll(async () => {
  service = await startTestService(catalogService);
  make = rowsIn(service);
  product = await make.product({ stock: 10 });
  other = await make.product({ stock: 4 });
  for (let order = 1; order <= 10; order++) {
    const reason = order % 2 === 0 ? null : `order ${order}`;
    await service.post(`/api/products/${product.id}/stock`, { delta: -1, reason });
    await service.post(`/api/products/${other.id}/stock`, { delta: 5, reason });
  }
});
afterAll(() => service.stop());

const pathOf = ({ id }: { id: number }) => `/api/products/${id}/stock-movements`;
const list = async (query = '') => {
  const { status, body, headers, text } = await service.get(`${pathOf(product)}?${query}`);
  if (status !== 200) throw new Error(text);
  return { body: body as { id: number; delta: number; stock: number; reason: string | null }[], headers };
};
const stocksOf = ({ body }: Awaited<ReturnType<typeof list>>) => body.map(({ stock }) => stock);
const linkOf = (headers: Headers, rel: string) =>
  new RegExp(`<([^>]+)>; rel="${rel}"`).exec(headers.get('link') ?? '')?.[1];
const counted = Array.from({ length: 11 }, (_, index) => index);

describe('the movements of a product', () => {
  test('When they are listed, then they are those of this product alone, the newest first', async () => {
    const page = await list();

    expect(stocksOf(page)).toEqual(counted);
    expect(page.body.at(-1)).toEqual({
      id: expect.any(Number),
      product_id: product.id,
      delta: 10,
      stock: 10,
      reason: 'opening stock',
      created_at: expect.any(String),
    });
  });

  test('When they are read page by page, then none is left out or repeated, and the way back is the same', async () => {
    const forward: number[][] = [];
    let path: string | undefined = `${pathOf(product)}?_limit=4`;
    let last = '';
    while (path) {
      last = path;
      const { body, headers } = await service.get(path);
      forward.push(body.map(({ stock }: { stock: number }) => stock));
      path = linkOf(headers, 'next');
    }
    expect(forward).toEqual([counted.slice(0, 4), counted.slice(4, 8), counted.slice(8)]);

    const previous = linkOf((await service.get(last)).headers, 'prev');
    const { body } = await service.get(String(previous));
    expect(body.map(({ stock }: { stock: number }) => stock)).toEqual(counted.slice(4, 8));
  });

  test('When a movement comes between two pages, then no row is repeated', async () => {
    const busy = await make.product({ stock: 1 });
    for (let times = 0; times < 3; times++) await service.post(`/api/products/${busy.id}/stock`, { delta: 1 });
    const first = await service.get(`${pathOf(busy)}?_limit=2&_fields=stock`);
    await service.post(`/api/products/${busy.id}/stock`, { delta: 1 });

    const second = await service.get(String(linkOf(first.headers, 'next')));

    expect([first.body, second.body]).toEqual([
      [{ stock: 4 }, { stock: 3 }],
      [{ stock: 2 }, { stock: 1 }],
    ]);
  });

  test('When a cursor is taken to the ledger of another product, then it is refused', async () => {
    const next = String(linkOf((await list('_limit=4')).headers, 'next'));

    const { status, body } = await service.get(next.replace(pathOf(product), pathOf(other)));

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ parameter: '_cursor', code: 'invalid_cursor' }]);
  });

  test.each([
    ['delta_gte=0', [10]],
    ['delta=-1&stock_lte=2', [0, 1, 2]],
    ['reason=order 1', [9]],
    ['reason=null&_sort=stock', [0, 2, 4, 6, 8]],
    ['reason_like=order&_sort=id', [9, 7, 5, 3, 1]],
    ['_sort=stock&_order=desc&_start=1&_end=3', [9, 8]],
    ['created_at_gte=2999-01-01', []],
  ])('When the query is %s, then the stocks after them are %j', async (query, stocks) => {
    expect(stocksOf(await list(query))).toEqual(stocks);
  });

  test('When some fields and the count are asked for, then that is the answer', async () => {
    const { body, headers } = await list('_fields=delta,reason&_limit=1&_count=exact');

    expect(body).toEqual([{ delta: -1, reason: null }]);
    expect(headers.get('x-total-count')).toBe('11');
  });

  test('When a parameter is asked for that this list does not have, then it is refused', async () => {
    const { status, body } = await service.get(`${pathOf(product)}?q=order&_embed=product`);

    expect(status).toBe(400);
    expect(body.errors.map(({ parameter }: { parameter: string }) => parameter)).toEqual(['q', '_embed']);
  });

  test('When a product has none, then the list is empty', async () => {
    const { id } = await make.product({ stock: 0 });

    expect(await service.get(pathOf({ id }))).toMatchObject({ status: 200, body: [] });
  });

  test('When there is no such product, then it is 404', async () => {
    expect(await service.get(pathOf({ id: 4_000_000 }))).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });
});
