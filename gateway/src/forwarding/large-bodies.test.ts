import type { RequestListener } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import { request, type TestResponse } from '@shop/testing/http.ts';
import { closeAll, startGateway } from '../testing.ts';

afterEach(closeAll);

/** A service that refuses every request, and counts them. */
function refusing(retryAfter: string) {
  const service = { asked: 0 };
  const handler: RequestListener = (req, res) => {
    req.resume();
    req.once('end', () => {
      service.asked += 1;
      res.writeHead(503, { 'Retry-After': retryAfter }).end('{}');
    });
  };
  return Object.assign(service, { handler });
}

const post = (url: string, length: number) =>
  request(`${url}/api/products/batch`, { method: 'POST', body: 'x'.repeat(length) });

test('When a service has refused a large body, then the next one of its client is 503 and does not reach the service', async () => {
  const service = refusing('7');
  const { url } = await startGateway({ catalog: service.handler });
  let before: number;
  let answer: TestResponse;
  // On a machine where that takes a second, it may come again.
  do {
    before = service.asked;
    await post(url, 200_000);
    answer = await post(url, 2_000_000);
  } while (service.asked > before + 1);

  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '7']);
  expect(answer.body).toMatchObject({ code: 'unavailable' });
});

test('When a service has refused a large body, then small ones of its client reach the service', async () => {
  const service = refusing('7');
  const { url } = await startGateway({ catalog: service.handler });
  await post(url, 200_000);
  await post(url, 2_000);

  expect(service.asked).toBe(2);
});

test('When a client was refused a while ago, then its next large body reaches the service', async () => {
  const service = refusing('0');
  const { url } = await startGateway({ catalog: service.handler });
  await post(url, 200_000);
  await post(url, 200_000);

  expect(service.asked).toBe(2);
});
