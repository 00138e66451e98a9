import { setTimeout as delay } from 'node:timers/promises';
import { request, type TestResponse } from './http.ts';

/** What says nothing of whether a write was done. */
const undecided = (status: number, code: unknown): boolean => status >= 502 || code === 'request_in_progress';

/**
 * Milliseconds within which a service that was killed is back, however busy the machine, and the gateway sends a request again that was
 * there at several kills, which it refuses for up to a minute after the last one.
 */
export const patience = 180_000;

/**
 * Sends a request until it is answered: again after a lost connection, a gateway or service that is away, and a first attempt
 * that still runs. A write should bring its `Idempotency-Key`.
 * @returns the answer, and how often it was sent again
 * @throws {Error} when there is none in time
 */
export async function requestUntilAnswered(
  url: string,
  options: Parameters<typeof request>[1],
): Promise<TestResponse & { retries: number }> {
  const started = performance.now();
  for (let retries = 0; ; retries++) {
    // Not by `instanceof Error`: what fetch throws is an Error of another realm than a test's.
    const [answer, failure] = await request(url, options).then(
      (one) => [one, undefined] as const,
      (error: Error) => [undefined, error] as const,
    );
    if (answer && !undecided(answer.status, answer.body?.code)) return { ...answer, retries };
    if (performance.now() - started > patience) {
      const last = answer ? `${answer.status} ${answer.text}` : failure?.message;
      throw new Error(`${options?.method ?? 'GET'} ${url} was not answered in time; at last: ${last}`);
    }
    await delay(20 + Math.random() * 80);
  }
}
