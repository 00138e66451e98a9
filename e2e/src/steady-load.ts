import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from '@shop/service-kit/testing.ts';

/** What clients have been answered. */
export interface LoadReport {
  sent: number;
  /** What was not answered with success, in words. */
  failures: string[];
  /** How many have added one to the stock of the product, and been told so. */
  added: number;
}

/**
 * Lets clients read a product and lists, change the product and add to its stock, one request after the other each, until they
 * are told to stop. Nothing is sent twice by them.
 * @param options.pause milliseconds that each waits before it sends the next
 * @param options.keyed gives every write an `Idempotency-Key`
 */
export function startLoad(
  gateway: string,
  { product, clients, pause, keyed }: { product: number; clients: number; pause: number; keyed: boolean },
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
  const own = `/api/products/${product}`;
  const client = async (): Promise<void> => {
    while (!stopped) {
      for (let reads = 0; reads < 3; reads++) await send('GET', own);
      await send('GET', '/api/products?_limit=5');
      if (await send('POST', `${own}/stock`, { delta: 1 })) report.added += 1;
      await send('PATCH', own, { price: Math.ceil(Math.random() * 100) });
    }
  };
  const running = Promise.all(Array.from({ length: clients }, client));
  return {
    report,
    stop: async () => {
      stopped = true;
      await running;
      return report;
    },
  };
}
