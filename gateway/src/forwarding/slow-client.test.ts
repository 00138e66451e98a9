import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type ClientRequest, get, type IncomingMessage, type RequestListener } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { closeAll, startGateway } from '../testing.ts';

const mebibyte = 2 ** 20;

/** Far more than two systems keep of a connection that nobody reads. */
const large = Buffer.from(Array.from({ length: (12 * mebibyte) / 8 }, (_, index) => `${index}`.padStart(8)).join(''));

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const requests: ClientRequest[] = [];
afterEach(async () => {
  for (const one of requests.splice(0)) one.destroy();
  await closeAll();
});

/** A service whose answers are large, all but those to `/small`; it knows which have left it. */
function generous({ chunked = false } = {}) {
  const left: string[] = [];
  const catalog: RequestListener = (req, res) => {
    res.once('finish', () => left.push(String(req.url)));
    if (req.url?.endsWith('/small')) res.end('{}');
    else if (chunked) Readable.from([large.subarray(0, 7 * mebibyte), large.subarray(7 * mebibyte)]).pipe(res);
    else res.end(large);
  };
  const hasLeft = async (count: number) => {
    while (left.length < count) await delay(10);
  };
  return { catalog, left, hasLeft };
}

/** A client that asks, and reads nothing of the answer's body before it is told to. */
async function deaf(url: string, path: string, address = '10.0.0.1') {
  const headers = { 'X-Forwarded-For': address };
  const asking = get(`${url}/api/products/${path}`, { agent: false, headers });
  requests.push(asking);
  const [answer]: IncomingMessage[] = await once(asking, 'response');
  return {
    /** What the body is: the digest of its bytes, or that it broke off. */
    hears: () => buffer(answer as IncomingMessage).then(digestOf, () => 'broken off'),
  };
}

test('When clients do not read their answers, then others have their places at the service', async () => {
  const { catalog, hasLeft } = generous();
  const gateway = await startGateway({ catalog, places: { maxInFlight: 2, maxWaiting: 100 } });
  for (const [index, path] of ['1', '2', '3'].entries()) {
    await deaf(gateway.url, path);
    await hasLeft(index + 1);
  }

  const other = await request(`${gateway.url}/api/products/small`);

  expect(other.status).toBe(200);
});

test.each([
  ['that says its length', false],
  ['that does not say its length', true],
])('When a client reads an answer late %s, then not a byte is missing', async (_, chunked) => {
  const { catalog, hasLeft } = generous({ chunked });
  const gateway = await startGateway({ catalog });
  const client = await deaf(gateway.url, '1');
  await hasLeft(1);
  await delay(300);

  const response = await client.hears();

  expect(response).toBe(digestOf(large));
});

test('When a client needs longer for an answer than a service may take for it, then it has all of it', async () => {
  const { catalog, hasLeft } = generous();
  // Long enough for the service to send the answer on a machine that is busy with other tests.
  const gateway = await startGateway({ catalog, requestTimeout: 6_000 });
  const client = await deaf(gateway.url, '1');
  await hasLeft(1);
  await delay(6_500);

  expect(await client.hears()).toBe(digestOf(large));
});

test('When more is not read than may be held, then who has taken nothing for the longest time is broken off', async () => {
  const { catalog, hasLeft } = generous();
  const gateway = await startGateway({ catalog, maxBodyBytes: 20 * mebibyte });
  const clients = [];
  for (const [index, path] of ['1', '2', '3', '4'].entries()) {
    clients.push(await deaf(gateway.url, path));
    await hasLeft(index + 1);
  }

  const [first, ...others] = await Promise.all(clients.map((client) => client.hears()));

  expect(first).toBe('broken off');
  expect(others.at(-1)).toBe(digestOf(large));
  expect(gateway.lines).toContainEqual(
    expect.objectContaining({
      level: 'info',
      msg: expect.stringMatching(/^GET \/api\/products\/1 was broken off/),
      res: { broken_off: true },
    }),
  );
});

test('When one client leaves more unread than may be held, then it is broken off, and not another that came before', async () => {
  const { catalog, hasLeft } = generous();
  const gateway = await startGateway({ catalog, maxBodyBytes: 24 * mebibyte, trustProxy: true });
  const other = await deaf(gateway.url, 'other', '10.0.0.2');
  await hasLeft(1);
  const greedy = [];
  for (const [index, path] of ['1', '2', '3', '4'].entries()) {
    greedy.push(await deaf(gateway.url, path));
    await hasLeft(index + 2);
  }

  const [first] = await Promise.all(greedy.map((client) => client.hears()));

  expect(first).toBe('broken off');
  expect(await other.hears()).toBe(digestOf(large));
});

test('When an answer alone is more than may be held, then it leaves the service as fast as it is read', async () => {
  const { catalog, left } = generous();
  const gateway = await startGateway({ catalog, maxBodyBytes: mebibyte });
  const client = await deaf(gateway.url, '1');
  await delay(500);
  const before = [...left];

  const heard = await client.hears();

  expect(before).toEqual([]);
  expect(heard).toBe(digestOf(large));
});
