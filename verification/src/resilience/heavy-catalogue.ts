import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from '@shop/testing/http.ts';
import { requestUntilAnswered } from '@shop/testing/retry.ts';
import { ask, WriteLog } from './ask.ts';
import type { MakeFault, System } from './system.ts';

/** As long as a description may be. */
const longText = 'long text '.repeat(6_553);
const counts = { products: 50, tags: 50, categories: 35, clients: 32, requests: 500 };

interface Created {
  categories: number[];
  tags: number[];
  products: number[];
}

async function batch(gateway: string, resource: string, body: object): Promise<{ create: { id: number }[] }> {
  // What it makes and removes is large, too, and may be refused on a slow machine.
  const headers = { 'Idempotency-Key': randomUUID() };
  const url = `${gateway}/api/${resource}/batch?_return=minimal`;
  const answer = await requestUntilAnswered(url, { method: 'POST', body, headers });
  if (answer.status !== 200) throw new Error(`the heavy ${resource}: ${answer.status} ${answer.text.slice(0, 1_000)}`);
  return answer.body;
}

/** Categories one inside the other, and products with long texts that have each of many tags. */
async function createCatalogue(gateway: string): Promise<Created> {
  const name = `heavy ${randomUUID().slice(0, 8)}`;
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
  const idsOf = ({ create }: { create: unknown[] }) =>
    create.map((item) => (item as { resource: { id: number } }).resource.id);
  const tags = idsOf(
    await batch(gateway, 'tags', {
      create: numbers(counts.tags).map((index) => ({ tag_name: `${name} ${'wide '.repeat(40)}${index}` })),
    }),
  );
  const categories: number[] = [];
  for (const index of numbers(counts.categories)) {
    const parent_id = index % 30 === 0 ? null : categories.at(-1);
    const body = { category_name: `${name} ${index}`, description: longText, parent_id };
    categories.push((await request(`${gateway}/api/categories`, { method: 'POST', body })).body.id);
  }
  const products = idsOf(
    await batch(gateway, 'products', {
      create: numbers(counts.products).map((index) => ({
        product_name: `${name} ${index}`,
        price: index,
        description: longText,
        category_id: categories[0],
        tagIds: tags,
        metadata: { notes: 'n'.repeat(16_000) },
      })),
    }),
  );
  return { categories, tags, products };
}

/** A tenth of a list, another one each time. */
const sliceOf = (ids: number[], turn: number): number[] => ids.filter((_, index) => (index + turn) % 10 === 0);

/** Every kind of request at its limits. `turn` makes it one of its own, whose answer nobody shares. */
function heaviest({ categories, tags, products }: Created, turn: number) {
  const own = `id_lte=${2_000_000_000 - turn}`;
  const reads = [
    `/api/categories?_limit=250&${own}`,
    `/api/products?_limit=250&${own}`,
    `/api/tags?_limit=250&${own}`,
    `/api/products?_start=0&_end=250&${own}`,
    `/api/categories?_page=1&_limit=250&${own}`,
    `/api/products?_fields=id&_limit=250&${own}`,
    `/api/products?${products.map((id) => `id=${id}`).join('&')}&${own}`,
    `/api/products?q=heavy long text&_limit=250&${own}`,
    `/api/products?description_like=text&_sort=updated_at,stock&${own}`,
    `/api/products/facets?q=heavy&${own}`,
    `/api/categories/${categories[0]}?_fields=products&_embed=products`,
    `/api/tags/${tags[turn % tags.length]}`,
    '/api/categories/tree',
  ].map((path) => ({ path, method: 'GET', body: undefined }));
  const writes = [
    {
      path: '/api/products/batch',
      // A part of them: whoever changes the same rows waits for the others, however heavy they are.
      body: { update: sliceOf(products, turn).map((id) => ({ id, price: turn % 1_000 })) },
    },
    {
      path: '/api/products/batch?_dry_run=true',
      body: {
        create: Array.from({ length: 120 }, (_, index) => ({
          product_name: `heavy ${index}`,
          price: 1,
          description: longText,
        })),
      },
    },
  ].map((write) => ({ ...write, method: 'POST' }));
  const all = [...reads, ...writes];
  return all[turn % all.length] as (typeof all)[number];
}

/** Clients at work, and what has come of it so far. */
export interface HeavyClients {
  sent(): number;
  /** How many were answered with success. */
  done(): number;
  /** How many batches ran out of time, and were undone. */
  late(): number;
  /** What failed, in words. */
  wrong: string[];
  /** Ends the clients; returns when all of them are answered. */
  stop(): Promise<void>;
  /** Removes the catalogue. */
  remove(): Promise<void>;
}

/**
 * Starts clients that ask for all there is of a catalogue that is as heavy as it may be, without a pause. Each request may be refused
 * for the size of what it asks for, or while there is no room; none may fail.
 * @param requestTimeout `REQUEST_TIMEOUT_MS` of the gateway
 */
export async function startHeavyClients(gateway: string, requestTimeout: number): Promise<HeavyClients> {
  const created = await createCatalogue(gateway);
  const log = new WriteLog('');
  const allowed = ['ok', '400 validation_failed', '503 unavailable'];
  const wrong: string[] = [];
  let [turn, done, late, isOver] = [0, 0, 0, false];
  const client = async () => {
    while (!isOver) {
      const { method, path, body } = heaviest(created, turn++);
      const question = { method, url: gateway + path, ...(body ? { body } : {}) };
      const { outcome, milliseconds, problem } = await ask(question, requestTimeout + 2_000, log);
      if (outcome === 'ok') done += 1;
      // The largest batch needs a processor for a second or two, and here each has a sixteenth of one.
      const isOutOfTime = method === 'POST' && outcome === '504 upstream_timeout';
      if (isOutOfTime) late += 1;
      if (allowed.includes(outcome) || isOutOfTime) continue;
      wrong.push(`${method} ${path.slice(0, 80)}: ${outcome} in ${milliseconds} ms ${problem.slice(0, 500)}`);
    }
  };
  const clients = Promise.all(Array.from({ length: counts.clients }, client));
  const stop = async () => {
    isOver = true;
    await clients;
  };
  return {
    sent: () => turn,
    done: () => done,
    late: () => late,
    wrong,
    stop,
    remove: async () => {
      await stop();
      const all = (ids: number[]) => ({ delete: ids.map((id) => ({ id })) });
      await batch(gateway, 'products', all(created.products));
      await batch(gateway, 'categories', all(created.categories));
      await batch(gateway, 'tags', all(created.tags));
    },
  };
}

/** The clients of {@link startHeavyClients}, for a few hundred requests. */
export const heavyCatalogue: MakeFault<System> = async (system) => {
  const clients = await startHeavyClients(system.urls.gateway, system.requestTimeout);
  return {
    also: async () => {
      while (clients.sent() < counts.requests) await delay(50);
      await clients.stop();
      return clients.done() > 0 ? clients.wrong : ['none of them was answered'];
    },
    end: () => clients.remove(),
  };
};
