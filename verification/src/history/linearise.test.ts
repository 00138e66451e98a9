import { describe, expect, test } from '@jest/globals';
import type { Exchange, HistoryRequest } from './exchange.ts';
import { linearise } from './linearise.ts';
import { operationNamed } from './operations/table.ts';

/** An exchange that nobody has sent: at `sent`, and answered at `answered`. */
function exchange(
  name: string,
  request: HistoryRequest,
  [status, body]: [number, unknown],
  [sent, answered]: [number, number],
): Exchange {
  const answer = { status, headers: new Headers(), body };
  const outcomes: Exchange['outcomes'] = (state) => operationNamed(name).outcomes(state, request, answer);
  return { client: 'client', request, answer, sent, answered, retries: 0, outcomes };
}

type Moment = [number, number];
const tag = (tag_name: string, version: number) => ({ id: 1, tag_name, slug: 'tag', version });
const product = { id: 7, product_name: 'ball', slug: 'ball', sku: null, description: null, status: 'active' };
const shown = { ...product, price: 1, stock: 3, category_id: null, metadata: {}, category: null, tags: [], version: 1 };

const createTag = exchange(
  'create tags',
  { method: 'POST', path: '/api/tags', body: { tag_name: 'old' } },
  [201, tag('old', 1)],
  [0, 1],
);
const createProduct = exchange(
  'create products',
  { method: 'POST', path: '/api/products', body: { product_name: 'ball', price: 1, stock: 3 } },
  [201, shown],
  [0, 1],
);
const rename = (tag_name: string, version: number, at: Moment, expects: { version?: number } = {}) =>
  exchange(
    'PATCH tags',
    { method: 'PATCH', path: '/api/tags/1', id: 1, body: { tag_name, ...expects } },
    [200, tag(tag_name, version)],
    at,
  );
const readTag = (answer: [number, unknown], at: Moment) =>
  exchange('get tags', { method: 'GET', path: '/api/tags/1', id: 1 }, answer, at);
const take = (id: number, stock: number, at: Moment) =>
  exchange(
    'stock',
    { method: 'POST', path: '/api/products/7/stock', id: 7, body: { delta: -2, reason: null } },
    [201, { id, product_id: 7, delta: -2, stock, reason: null }],
    at,
  );
const movements = (body: unknown, at: Moment) =>
  exchange('movements', { method: 'GET', path: '/api/products/7/stock-movements', id: 7 }, [200, body], at);

describe('a history that one order explains', () => {
  test.each<[string, Exchange[]]>([
    ['two change a tag at once', [createTag, rename('one', 3, [2, 9]), rename('two', 2, [3, 8])]],
    ['a read sees what is being written', [createTag, rename('new', 2, [2, 9]), readTag([200, tag('new', 2)], [3, 4])]],
    [
      'a read does not see yet what is being written',
      [createTag, rename('new', 2, [2, 9]), readTag([200, tag('old', 1)], [3, 4])],
    ],
    ['a write changes nothing', [createTag, rename('old', 1, [2, 3])]],
    [
      'the ledger has what was taken',
      [
        createProduct,
        take(5, 1, [2, 3]),
        movements(
          [
            { delta: 3, stock: 3, reason: 'opening stock' },
            { id: 5, delta: -2, stock: 1, reason: null },
          ],
          [4, 5],
        ),
      ],
    ],
  ])('When %s, then it is found', (_, exchanges) => {
    const { order, stuck } = linearise(exchanges);

    expect(stuck).toEqual([]);
    expect(order).toHaveLength(exchanges.length);
  });
});

describe('a history that no order explains', () => {
  test.each<[string, Exchange[], string]>([
    [
      'an update is lost',
      [createTag, rename('one', 2, [2, 9]), rename('two', 2, [3, 8])],
      'version is 2, and should be 3',
    ],
    [
      'a read is stale',
      [createTag, rename('new', 2, [2, 3]), readTag([200, tag('old', 1)], [4, 5])],
      'tag_name is "old", and should be "new"',
    ],
    ['a version moves on without a change', [createTag, rename('old', 2, [2, 3])], 'version is 2, and should be 1'],
    [
      'a stale condition is met',
      [createTag, rename('one', 2, [2, 3]), rename('two', 3, [4, 5], { version: 1 })],
      'the answer should be 409 version_conflict',
    ],
    [
      'what is there is not found',
      [createTag, readTag([404, { code: 'not_found' }], [2, 3])],
      'the answer should be 200',
    ],
    [
      'more is taken than there is',
      [createProduct, take(5, 1, [2, 3]), take(6, -1, [2, 3])],
      'the answer should be 409 insufficient_stock',
    ],
    ['a movement is missing', [createProduct, take(5, 1, [2, 3]), movements([{ delta: 3 }], [4, 5])], 'the body has'],
    [
      'a failure is answered',
      [createTag, readTag([500, { code: 'internal_error' }], [2, 3])],
      'the answer should be 200',
    ],
  ])('When %s, then the answer that does not fit is named', (_, exchanges, reason) => {
    const { stuck } = linearise(exchanges);

    expect(stuck.map((each) => each.reason)).toContainEqual(expect.stringContaining(reason));
  });
});
