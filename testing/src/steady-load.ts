import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from './http.ts';

/** What clients have been answered. */
export interface LoadReport {
  sent: number;
  /** What was not answered with success, in words. */
  failures: string[];
  /** How many have added one to the stock of a product, and been told so. */
  added: number;
}

/** Products for clients to change. */
export interface LoadedProducts {
  paths: string[];
  /** What all of them have in stock together. */
  stock(): Promise<number>;
  remove(): Promise<void>;
}

/** Creates products for a load, with nothing in stock. */
export async function createProducts(gateway: string, count: number): Promise<LoadedProducts> {
  const create = async () => {
    const body = { product_name: `Loaded ${randomUUID()}`, price: 1 };
    return `/api/products/${(await request(`${gateway}/api/products`, { method: 'POST', body })).body.id}`;
  };
  const paths = await Promise.all(Array.from({ length: count }, create));
  return {
    paths,
    stock: async () => {
      const stocks = await Promise.all(paths.map(async (path) => (await request(gateway + path)).body.stock));
      return stocks.reduce((sum, stock) => sum + stock, 0);
    },
    remove: async () => {
      await Promise.all(paths.map((path) => request(gateway + path, { method: 'DELETE' })));
    },
  };
}

/**
 * Lets clients read a product and lists, change the product and add to its stock, one request after the other each, until they
 * are told to stop. Nothing is sent twice by them.
 * @param options.products whose they are, in turn
 * @param options.pause milliseconds that each waits before it sends the next
 * @param options.keyed gives every write an `Idempotency-Key`
 */
export function startLoad(
  gateway: string,
  { products, clients, pause, keyed }: { products: LoadedProducts; clients: number; pause: number; keyed: boolean },
): { report: LoadReport; stop(): Promise<LoadReport> } {
  const report: LoadReport = { sent: 0, failures: [], added: 0 };
  let stopped = false;
  const send = async (method: string, path: string, body?: object): Promise<boolean> => {
    const headers: Record<string, string> = body && keyed ? { 'Idempotency-Key': `"${randomUUID()}"` } : {};
    const answer = await request(gateway + path, { method, headers, ...(body ? { body } : {}) }).catch(
      (error: Error) => ({ status: 0, text: `${error.message}: ${error.cause}` }),
    );
    report.sent += 1;
    if (pause > 0) await delay(pause);
    const succeeded = answer.status >= 200 && answer.status < 300;
    if (!succeeded) report.failures.push(`${method} ${path} ${answer.status} ${answer.text}`);
    return succeeded;
  };
  const client = async (own: string): Promise<void> => {
    while (!stopped) {
      for (let reads = 0; reads < 3; reads++) await send('GET', own);
      await send('GET', '/api/products?_limit=5');
      if (await send('POST', `${own}/stock`, { delta: 1 })) report.added += 1;
      await send('PATCH', own, { price: Math.ceil(Math.random() * 100) });
    }
  };
  const running = Promise.all(
    Array.from({ length: clients }, (_, index) => client(String(products.paths[index % products.paths.length]))),
  );
  return {
    report,
    stop: async () => {
      stopped = true;
      await running;
      return report;
    },
  };
}
