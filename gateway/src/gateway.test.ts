import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Health } from '@shop/service-kit/health.ts';
import { listen } from '@shop/service-kit/server.ts';
import { memoryLogger, request } from '@shop/service-kit/testing.ts';
import { createGateway, createOperations } from './app.ts';
import type { GatewayConfig } from './config.ts';

const openServers: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(openServers.splice(0).map((server) => server.close()));
});

/** A service that answers with what reached it. */
const echo: RequestListener = (req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    res.setHeader('Content-Type', 'application/json');
    res.end(
      JSON.stringify({
        method: req.method,
        url: req.url,
        headers: req.headers,
        body: Buffer.concat(chunks).toString(),
      }),
    );
  });
};

async function startUpstream(handler: RequestListener): Promise<string> {
  const upstream = await listen(handler, { host: '127.0.0.1', port: 0 });
  openServers.push(upstream);
  return upstream.url;
}

/** An address where nothing listens. */
const nowhere = async (): Promise<string> => {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
};

async function startGateway({
  catalog = echo,
  tagging = echo,
  requestTimeout = 2_000,
  trustProxy = false,
}: {
  catalog?: RequestListener | string;
  tagging?: RequestListener | string;
  requestTimeout?: number;
  trustProxy?: boolean;
} = {}) {
  const urlOf = async (upstream: RequestListener | string) =>
    typeof upstream === 'string' ? upstream : startUpstream(upstream);
  const config: GatewayConfig = {
    logLevel: 'info',
    host: '127.0.0.1',
    port: 0,
    telemetry: { metrics: false },
    requestTimeout,
    trustProxy,
    guard: { keysFile: undefined, publicRead: false, rateLimit: undefined, redisUrl: undefined },
    upstreams: {
      'catalog-service': { url: await urlOf(catalog), operationsPort: undefined },
      'tagging-service': { url: await urlOf(tagging), operationsPort: undefined },
    },
  };
  const { logger, lines } = memoryLogger();
  const gateway = await listen(await createGateway(config, logger, new Health('gateway')), config);
  openServers.push(gateway);
  return { url: gateway.url, lines, config, logger };
}

const naming =
  (name: string): RequestListener =>
  (_req, res) => {
    res.setHeader('Content-Type', 'application/json');
    res.end(JSON.stringify({ name }));
  };

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
    expect(headers.get('location')).toBe('/api/products/9');
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

describe('streaming', () => {
  test('When the service sends the first half of its answer, then the client has it before there is a second', async () => {
    let finish: (() => void) | undefined;
    const gateway = await startGateway({
      catalog: (_req, res) => {
        res.write('first');
        finish = () => res.end('second');
      },
    });

    const response = await fetch(`${gateway.url}/api/products`);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const first = await reader.read();
    finish?.();
    const second = await reader.read();

    expect(Buffer.from(first.value ?? []).toString()).toBe('first');
    expect(Buffer.from(second.value ?? []).toString()).toBe('second');
  });

  test('When the client sends the first half of its body, then the service has it before there is a second', async () => {
    const received: string[] = [];
    const arrived = Promise.withResolvers<void>();
    const gateway = await startGateway({
      catalog: (req, res) => {
        req.on('data', (chunk) => {
          received.push(String(chunk));
          arrived.resolve();
        });
        req.on('end', () => res.end('{}'));
      },
    });
    const upload = httpRequest(`${gateway.url}/api/products`, { method: 'POST' });
    upload.write('first');
    await arrived.promise;
    const soFar = [...received];
    upload.end('second');
    const [response] = (await once(upload, 'response')) as [IncomingMessage];
    response.resume();

    expect(soFar).toEqual(['first']);
    expect(response.statusCode).toBe(200);
    expect(received.join('')).toBe('firstsecond');
  });

  test('When an answer of 5 MB passes through, then not a byte is missing', async () => {
    const large = Buffer.alloc(5_000_000, 'x');
    const gateway = await startGateway({ catalog: (_req, res) => void res.end(large) });

    expect((await request(`${gateway.url}/api/products`)).text).toHaveLength(5_000_000);
  });
});

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
    const gateway = await startGateway({ catalog: () => {}, requestTimeout: 200 });
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

    openServers.push(await listen(echo, { host: '127.0.0.1', port: Number(address.port) }));

    expect(before.status).toBe(503);
    expect((await request(`${gateway.url}/api/products`)).status).toBe(200);
  });
});

describe('health', () => {
  const healthy: RequestListener = (_req, res) => {
    res.setHeader('Content-Type', 'application/json');
    res.end(JSON.stringify({ status: 'up', service: 'x', checks: { database: { status: 'up' } } }));
  };

  test('When every service is up, then /health is 200 and shows each', async () => {
    const gateway = await startGateway({ catalog: healthy, tagging: healthy });

    const { status, body } = await request(`${gateway.url}/health`);

    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'up',
      services: { 'catalog-service': { checks: { database: { status: 'up' } } }, 'tagging-service': { status: 'up' } },
    });
  });

  test('When a service is down, then /health is 503 and says which, while the gateway itself is live and ready', async () => {
    const gateway = await startGateway({ catalog: await nowhere(), tagging: healthy });

    const { status, body } = await request(`${gateway.url}/health`);

    expect(status).toBe(503);
    expect(body.services).toMatchObject({ 'catalog-service': { status: 'down' }, 'tagging-service': { status: 'up' } });
    expect((await request(`${gateway.url}/health/live`)).status).toBe(200);
    expect((await request(`${gateway.url}/health/ready`)).status).toBe(200);
  });

  test('When the operations port of a service is asked, then its health and metrics are passed on and its API is not', async () => {
    const { config, logger } = await startGateway({ catalog: healthy });
    const operations = await listen(createOperations('catalog-service', config, logger), {
      host: '127.0.0.1',
      port: 0,
    });
    openServers.push(operations);

    expect((await request(`${operations.url}/health/ready`)).body).toMatchObject({ service: 'x' });
    expect((await request(`${operations.url}/metrics`)).body).toMatchObject({ service: 'x' });
    expect((await request(`${operations.url}/api/products`)).status).toBe(404);
  });
});

describe('the API description', () => {
  const describing =
    (path: string, components: object): RequestListener =>
    (_req, res) => {
      const document = {
        openapi: '3.1.1',
        info: {},
        paths: { [path]: {}, '/openapi.json': {} },
        components: { schemas: components },
      };
      res.end(JSON.stringify(document));
    };

  test('When both services describe themselves, then /openapi.json has the paths and components of both', async () => {
    const gateway = await startGateway({
      catalog: describing('/api/products', { Product: { type: 'object' }, Money: { type: 'object' } }),
      tagging: describing('/api/tags', { Tag: { type: 'object' }, Money: { type: 'object' } }),
    });

    const { body } = await request(`${gateway.url}/openapi.json`);

    expect(Object.keys(body.paths)).toEqual(['/health', '/health/live', '/health/ready', '/api/products', '/api/tags']);
    expect(Object.keys(body.components.schemas)).toEqual(expect.arrayContaining(['Product', 'Tag', 'Money', 'Health']));
  });

  test('When the services describe a component differently, then that is a fault of ours, and it is logged', async () => {
    const gateway = await startGateway({
      catalog: describing('/api/products', { Money: { type: 'object' } }),
      tagging: describing('/api/tags', { Money: { type: 'string' } }),
    });

    expect((await request(`${gateway.url}/openapi.json`)).status).toBe(500);
    expect(JSON.stringify(gateway.lines)).toContain('describe the component Money differently');
  });

  test('When a service is away that has described itself before, then its part is still there', async () => {
    const { url: catalog, close } = await listen(describing('/api/products', {}), { host: '127.0.0.1', port: 0 });
    const gateway = await startGateway({ catalog, tagging: describing('/api/tags', {}) });
    await request(`${gateway.url}/openapi.json`);
    await close();

    expect(Object.keys((await request(`${gateway.url}/openapi.json`)).body.paths)).toContain('/api/products');
  });

  test('When a service has never been reached, then /openapi.json is 503', async () => {
    const gateway = await startGateway({ catalog: await nowhere(), tagging: describing('/api/tags', {}) });

    expect((await request(`${gateway.url}/openapi.json`)).status).toBe(503);
  });
});

describe('pages', () => {
  test('When a browser asks for /, then it gets a page; when a program asks, then JSON', async () => {
    const gateway = await startGateway();

    const page = await request(`${gateway.url}/`, { headers: { Accept: 'text/html,*/*;q=0.8' } });
    const json = await request(`${gateway.url}/`, { headers: { Accept: 'application/json' } });

    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.text).toContain('href="/docs"');
    expect(json.body).toHaveProperty('/api/products');
  });

  test('When the reference page is loaded, then all that it names is served here, under a policy that allows nothing else', async () => {
    const gateway = await startGateway();

    const { headers, text } = await request(`${gateway.url}/docs`);
    const assets = [...text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path);
    const statuses = await Promise.all(assets.map(async (path) => (await request(gateway.url + path)).status));

    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(text).not.toMatch(/https?:\/\//);
    expect(assets.length).toBeGreaterThanOrEqual(3);
    expect(statuses.every((status) => status === 200)).toBe(true);
  });

  test('When the type of a problem is followed, then there is a page that explains it', async () => {
    const gateway = await startGateway();
    const { body } = await request(`${gateway.url}/api/nothing`);

    const { status, text } = await request(gateway.url + body.type);

    expect(status).toBe(200);
    expect(text).toContain(body.title);
  });

  test('When a page is asked for by POST, then it is 405 with Allow', async () => {
    const gateway = await startGateway();

    const { status, headers } = await request(`${gateway.url}/docs`, { method: 'POST' });

    expect(status).toBe(405);
    expect(headers.get('allow')).toBe('GET, HEAD, OPTIONS');
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
