import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { closeAll, echo, nowhere, startGateway, startUpstream, untilKnown } from '../testing.ts';

afterEach(closeAll);

describe('an upstream that fails', () => {
  test('When the service is down, then it is 503 with Retry-After, and the other service is untouched', async () => {
    const gateway = await startGateway({ catalog: await nowhere() });

    const { status, headers, body, text } = await request(`${gateway.url}/api/products/secret-path`);

    expect(status).toBe(503);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(headers.get('retry-after')).toBe('1');
    expect(body).toMatchObject({ code: 'unavailable', instance: headers.get('x-request-id') });
    expect(text).not.toMatch(/127\.0\.0\.1|ECONNREFUSED|secret-path/);
    expect((await request(`${gateway.url}/api/tags`)).status).toBe(200);
  });

  test('When a body was sent to a service that is down, then it is 503 all the same', async () => {
    const gateway = await startGateway({ catalog: await nowhere() });

    expect(
      (await request(`${gateway.url}/api/products`, { method: 'POST', body: { x: 'y'.repeat(500_000) } })).status,
    ).toBe(503);
  });

  test('When the service does not answer in time, then it is 504', async () => {
    const gateway = await startGateway({ catalog: () => {}, requestTimeout: 200 });

    const { status, body } = await request(`${gateway.url}/api/products`);

    expect(status).toBe(504);
    expect(body.code).toBe('upstream_timeout');
  });

  test('When the client expects 100-continue, then it gets it, and the deadline holds all the same', async () => {
    const gateway = await startGateway({ catalog: () => {}, requestTimeout: 5_000 });
    const upload = httpRequest(`${gateway.url}/api/products`, { method: 'POST', headers: { Expect: '100-continue' } });
    upload.flushHeaders();
    await once(upload, 'continue');

    upload.end('{}');
    const [response] = (await once(upload, 'response')) as [IncomingMessage];
    response.resume();

    expect(response.statusCode).toBe(504);
  });

  test('When the service closes the connection without an answer, then it is 503', async () => {
    const gateway = await startGateway({ catalog: (req) => void req.socket.destroy() });

    expect((await request(`${gateway.url}/api/products`)).status).toBe(503);
  });

  test('When the service breaks off in the middle of its answer, then the client sees it break off', async () => {
    const gateway = await startGateway({
      catalog: (_req, res) => {
        res.writeHead(200, { 'Content-Length': '100' }).write('half');
        setTimeout(() => res.destroy(), 50);
      },
    });

    await expect(request(`${gateway.url}/api/products`)).rejects.toThrow();
  });

  test('When the client goes away, then the request at the service is ended, and the gateway serves on', async () => {
    const closed = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const gateway = await startGateway({
      catalog: (_req: IncomingMessage, res: ServerResponse) => {
        arrived.resolve();
        res.on('close', () => closed.resolve());
      },
      requestTimeout: 30_000,
    });
    const client = new AbortController();
    const asked = fetch(`${gateway.url}/api/products`, { signal: client.signal }).catch(() => undefined);
    await arrived.promise;

    client.abort();
    await asked;

    await expect(closed.promise).resolves.toBeUndefined();
    expect((await request(`${gateway.url}/api/tags`)).status).toBe(200);
  });

  test('When a service comes back, then it is reached again', async () => {
    const address = new URL(await nowhere());
    const gateway = await startGateway({ catalog: address.origin });
    const before = await request(`${gateway.url}/api/products`);

    await startUpstream(echo, { port: Number(address.port) });

    expect(before.status).toBe(503);
    expect((await request(`${gateway.url}/api/products`)).status).toBe(200);
  });
});

test('When a service gives an answer that cannot be read, then it is 503, and nobody takes the service for lost', async () => {
  const asked: string[] = [];
  const service = (req: IncomingMessage, res: ServerResponse) => {
    asked.push(String(req.url));
    if (req.url?.endsWith('/unreadable')) res.setHeader('Link', 'x'.repeat(100_000));
    res.end('{}');
  };
  const [one, other] = [await startUpstream(service), await startUpstream(service)];
  const gateway = await startGateway({ catalog: `${one.url},${other.url}` });
  await untilKnown();

  const answers = [
    await request(`${gateway.url}/api/products/unreadable`),
    await request(`${gateway.url}/api/products/1`),
    await request(`${gateway.url}/api/products/unreadable`),
  ];

  expect(answers.map(({ status, body }) => [status, body?.detail])).toEqual([
    [503, 'catalog-service has given an answer that cannot be read.'],
    [200, undefined],
    [503, 'catalog-service has given an answer that cannot be read.'],
  ]);
  expect(asked.filter((url) => url.startsWith('/api/'))).toHaveLength(3);
  expect(gateway.lines.filter(({ state }) => state === 'away')).toEqual([]);
});
