import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { select } from '@shop/db/connection/connection.ts';
import { killService, type ServiceName } from '@shop/testing/kill.ts';
import { requestUntilAnswered } from '@shop/testing/retry.ts';
import { removeFolder, type Stack, startStack, temporaryFolder } from '@shop/testing/stack.ts';
import { brokenRules, withDatabaseOf } from '@shop/testing/stack-data.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack(await temporaryFolder());
});
afterAll(async () => {
  await stack.stop();
  await removeFolder(stack.folder);
});

/** How many writes were acknowledged, and how often one was sent again before it was. */
const sent = { writes: 0, retries: 0 };

/** Sends a write under a key of its own until it is acknowledged. */
async function write(method: string, path: string, body?: object) {
  const headers = { 'Idempotency-Key': randomUUID() };
  const answer = await requestUntilAnswered(stack.gateway + path, { method, headers, ...(body ? { body } : {}) });
  if (answer.status >= 300) throw new Error(`${method} ${path} is answered ${answer.status}: ${answer.text}`);
  sent.writes += 1;
  sent.retries += answer.retries;
  return answer.body;
}

/** What the database should hold in the end, told by those who wrote it. */
interface Acknowledged {
  products: { product_name: string; stock: number; version: number }[];
  tags: string[];
  reasons: string[];
}

/** Writes products, movements of a product that all share, and tags, until it is told to end; then completes its round. */
async function writeUntil(ended: () => boolean, writer: string, shared: number, acknowledged: Acknowledged) {
  for (let round = 1; !ended(); round++) {
    const name = `Crash ${writer}.${round}`;
    const product = await write('POST', '/api/products', { product_name: name, price: 1, stock: 5 });
    await write('POST', `/api/products/${shared}/stock`, { delta: 1, reason: name });
    await write('PATCH', `/api/products/${product.id}`, { stock: 7, version: 1 });
    const tag = await write('POST', '/api/tags', { tag_name: name, productIds: [product.id] });
    const keepsTag = round % 2 === 0;
    if (!keepsTag) await write('DELETE', `/api/tags/${tag.id}`);
    // Created, changed, tagged, and untagged.
    acknowledged.products.push({ product_name: name, stock: 7, version: keepsTag ? 3 : 4 });
    if (keepsTag) acknowledged.tags.push(name);
    acknowledged.reasons.push(name);
  }
}

/** Kills a service again and again, at random moments. */
async function killAgain(name: ServiceName, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    await delay(Math.random() * 300);
    await killService(stack, name);
  }
}

const byName = (a: { product_name: string }, b: { product_name: string }) => (a.product_name < b.product_name ? -1 : 1);

test('When services are killed 20 times under writers that retry, then no write is lost and none is done twice', async () => {
  const shared = await write('POST', '/api/products', { product_name: 'Shared', price: 1, stock: 0 });
  const acknowledged: Acknowledged = { products: [], tags: [], reasons: [] };
  let ended = false;
  const writing = ['a', 'b', 'c'].map((writer) => writeUntil(() => ended, writer, shared.id, acknowledged));

  const killing = Promise.all([killAgain('catalog-service', 11), killAgain('tagging-service', 9)]).finally(() => {
    ended = true;
  });
  await Promise.all([killing, ...writing]);

  await withDatabaseOf(stack, async (db) => {
    const products = await select<Acknowledged['products'][number]>(
      db,
      "SELECT product_name, stock, version FROM product WHERE product_name LIKE 'Crash %'",
    );
    const tags = await select<{ name: string }>(db, "SELECT tag_name AS name FROM tag WHERE tag_name LIKE 'Crash %'");
    const movements = await select<{ reason: string; stock: number }>(
      db,
      'SELECT reason, stock FROM stock_movement WHERE product_id = $1 ORDER BY id',
      [shared.id],
    );
    const [keys] = await select<{ count: number }>(
      db,
      'SELECT (SELECT COUNT(*) FROM catalog_idempotency_key) + (SELECT COUNT(*) FROM tagging_idempotency_key) AS count',
    );

    expect(products.toSorted(byName)).toEqual(acknowledged.products.toSorted(byName));
    expect(tags.map(({ name }) => name).toSorted()).toEqual(acknowledged.tags.toSorted());
    expect(movements.map(({ reason }) => reason).toSorted()).toEqual(acknowledged.reasons.toSorted());
    expect(movements.map(({ stock }) => stock)).toEqual(acknowledged.reasons.map((_, index) => index + 1));
    expect(keys?.count).toBe(sent.writes);
  });
  expect(await brokenRules(stack)).toEqual([]);
  expect(sent.retries).toBeGreaterThan(0);
}, 600_000);
