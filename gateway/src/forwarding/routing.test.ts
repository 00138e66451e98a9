import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { closeAll, naming, startGateway } from '../testing.ts';

afterEach(closeAll);

describe('routing', () => {
  test.each([
    ['/api/categories', 'catalog'],
    ['/api/categories/7', 'catalog'],
    ['/api/products?_limit=1', 'catalog'],
    ['/api/products/7/stock', 'catalog'],
    ['/api/tags/', 'tagging'],
    ['/api/tags/7', 'tagging'],
  ])('When the path is %s, then %s-service answers', async (path, name) => {
    const gateway = await startGateway({ catalog: naming('catalog'), tagging: naming('tagging') });

    expect((await request(gateway.url + path)).body).toEqual({ name });
  });

  test.each([
    '/api/productsX',
    '/api/product',
    '/api/tagsandmore/1',
    '/api',
    '/api/',
    '/API/products',
    '/x/api/products',
    '//api/products',
  ])('When the path is %s, then it is 404, and no service hears of it', async (path) => {
    let heard = 0;
    const count: RequestListener = (_req, res) => {
      heard++;
      res.end();
    };
    const gateway = await startGateway({ catalog: count, tagging: count });

    const { status, body } = await request(gateway.url + path);

    expect(status).toBe(404);
    expect(body.code).toBe('not_found');
    expect(heard).toBe(0);
  });

  test('When a request is passed on, then path, query, method, body and headers arrive as they were', async () => {
    const gateway = await startGateway();

    const { body } = await request(`${gateway.url}/api/products/7?a=1&b=%20x`, {
      method: 'PATCH',
      body: { price: 1 },
      headers: { 'If-Match': '"7"', Authorization: 'Bearer key' },
    });

    expect(body).toMatchObject({ method: 'PATCH', url: '/api/products/7?a=1&b=%20x', body: '{"price":1}' });
    expect(body.headers).toMatchObject({
      'if-match': '"7"',
      authorization: 'Bearer key',
      'content-type': 'application/json',
    });
  });

  test('When a request is passed on, then the service learns who asked, for which host and by which id', async () => {
    const gateway = await startGateway();

    const { body, headers } = await request(`${gateway.url}/api/products`, {
      headers: { 'X-Request-Id': 'order-1001' },
    });

    const { host } = new URL(gateway.url);
    expect(body.headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': host,
      'x-forwarded-proto': 'http',
      'x-request-id': 'order-1001',
    });
    expect(headers.get('x-request-id')).toBe('order-1001');
  });

  test('When a client says who it is for others, then the service is not told', async () => {
    const gateway = await startGateway();
    const headers = { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https', Forwarded: 'for=203.0.113.9' };

    const { body } = await request(`${gateway.url}/api/products`, { headers });

    expect(body.headers).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' });
    expect(body.headers).not.toHaveProperty('forwarded');
  });

  test('When a trusted proxy says so, then the service is told, with the proxy behind it', async () => {
    const gateway = await startGateway({ trustProxy: true });
    const headers = { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https' };

    const { body } = await request(`${gateway.url}/api/products`, { headers });

    expect(body.headers).toMatchObject({ 'x-forwarded-for': '203.0.113.9, 127.0.0.1', 'x-forwarded-proto': 'https' });
  });

  test.each([
    ['headers', (room: number) => ({ 'X-Large': 'x'.repeat(room) })],
    ['a host', (room: number) => ({ Host: 'x'.repeat(room) })],
  ])(
    'When %s are as large as the gateway takes, then the service takes them with what the gateway adds',
    async (_, headers) => {
      const gateway = await startGateway();
      const sent = httpRequest(`${gateway.url}/api/products`, { headers: headers(16_200) });
      const answered = once(sent, 'response');
      sent.end();

      const [answer] = await answered;
      answer.resume();

      expect(answer.statusCode).toBe(200);
    },
  );

  test('When headers are larger than 16 KiB, then the gateway refuses them, and browsers may read it', async () => {
    const gateway = await startGateway();
    const { status, headers, body } = await request(`${gateway.url}/api/products`, {
      headers: { 'X-Large': 'x'.repeat(16_384) },
    });

    expect(status).toBe(431);
    expect(body.code).toBe('headers_too_large');
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-expose-headers')).toContain('X-Request-Id');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('When no request id is sent, then the gateway makes one that service and client both see', async () => {
    const gateway = await startGateway();

    const { body, headers } = await request(`${gateway.url}/api/products`);

    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(body.headers['x-request-id']).toBe(headers.get('x-request-id'));
  });

  test('When the service answers with a status and headers of its own, then the client gets them', async () => {
    const gateway = await startGateway({
      catalog: (_req, res) => {
        res.writeHead(201, { Location: '/api/products/9', ETag: '"1"' }).end('{}');
      },
    });

    const { status, headers } = await request(`${gateway.url}/api/products`, { method: 'POST', body: {} });

    expect(status).toBe(201);
    expect(headers.get('location')).toBe('products/9');
    expect(headers.get('etag')).toBe('"1"');
  });
});

describe('safe writes', () => {
  test('When a write comes with its headers, then the service gets them as they are, and the client those of the answer', async () => {
    const received: IncomingMessage['headers'][] = [];
    const gateway = await startGateway({
      catalog: (req, res) => {
        received.push(req.headers);
        res.writeHead(200, { ETag: '"2.0.0"', 'Idempotency-Replayed': 'true', 'Dry-Run': 'true' }).end('{}');
      },
    });
    const sent = { 'If-Match': '"1.0.0-a", W/"b,c"', 'Idempotency-Key': '"k-1"', Authorization: 'Bearer a' };

    const { headers } = await request(`${gateway.url}/api/products/1?_dry_run=true`, {
      method: 'PUT',
      body: {},
      headers: sent,
    });

    expect(received).toMatchObject([
      { 'if-match': sent['If-Match'], 'idempotency-key': sent['Idempotency-Key'], authorization: 'Bearer a' },
    ]);
    expect(['etag', 'idempotency-replayed', 'dry-run'].map((name) => headers.get(name))).toEqual([
      '"2.0.0"',
      'true',
      'true',
    ]);
  });
});

test('When many clients ask at once for a while, then every one is answered by the service it asked', async () => {
  const gateway = await startGateway({ catalog: naming('catalog'), tagging: naming('tagging') });
  const ask = async (index: number) => {
    await delay(index % 7);
    const [path, name] = index % 2 ? ['/api/products', 'catalog'] : ['/api/tags', 'tagging'];
    return (await request(gateway.url + path)).body.name === name;
  };

  const right = await Promise.all(Array.from({ length: 300 }, (_, index) => ask(index)));

  expect(right.every(Boolean)).toBe(true);
});
