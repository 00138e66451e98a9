import type { RequestListener, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { closeAll, naming, nowhere, startGateway, startUpstream, type TestGateway, untilKnown } from '../testing.ts';

afterEach(closeAll);

/** A service whose readiness the test decides. */
function replica(name: string, handler: RequestListener = naming(name)) {
  const state = { ready: true, asked: 0 };
  const listener: RequestListener = (req, res) => {
    if (req.url === '/health/ready') {
      res.writeHead(state.ready ? 200 : 503).end();
      return;
    }
    state.asked++;
    handler(req, res);
  };
  return { state, start: (port = 0) => startUpstream(listener, { port, isReady: false }) };
}

/** Waits until each replica of catalog-service is known to be in one of these states. */
async function settled({ lines }: TestGateway, count: (lines: Record<string, unknown>[]) => boolean): Promise<void> {
  while (!count(lines)) await delay(20);
}
const becameTo = (state: string) => (lines: Record<string, unknown>[]) => lines.some((line) => line.state === state);

/** What answers `count` requests, one after the other. */
async function askedInTurn(gateway: TestGateway, count: number): Promise<string[]> {
  const names: string[] = [];
  for (let index = 0; index < count; index++)
    names.push((await request(`${gateway.url}/api/products`)).body.name ?? 'none');
  return names;
}

describe('balance', () => {
  test('When a service has two replicas, then both are asked', async () => {
    const urls = [await replica('a').start(), await replica('b').start()].map(({ url }) => url);
    const gateway = await startGateway({ catalog: urls.join(',') });
    await untilKnown();

    const names = await askedInTurn(gateway, 10);

    expect(names.filter((name) => name === 'a')).toHaveLength(5);
    expect(names.filter((name) => name === 'b')).toHaveLength(5);
  });

  test('When one replica is slow, then the other gets what comes meanwhile', async () => {
    const waiting: ServerResponse[] = [];
    const slow = replica('slow', (_req, res) => void waiting.push(res));
    const quick = replica('quick');
    const gateway = await startGateway({ catalog: `${(await slow.start()).url},${(await quick.start()).url}` });
    await untilKnown();
    const first = [request(`${gateway.url}/api/products`), request(`${gateway.url}/api/products`)];
    while (waiting.length === 0) await delay(10);
    await Promise.race(first);

    const meanwhile = await askedInTurn(gateway, 6);
    for (const res of waiting) res.end('{}');
    await Promise.all(first);

    expect(meanwhile).toEqual(Array.from({ length: 6 }, () => 'quick'));
  });

  test('When the name has several addresses, then each is a replica, and those where nobody listens are left out', async () => {
    const { url } = await replica('a').start();
    const gateway = await startGateway({ catalog: url.replace('127.0.0.1', 'localhost') });

    expect(await askedInTurn(gateway, 6)).toEqual(Array.from({ length: 6 }, () => 'a'));
  });

  test('When the name cannot be looked up, then it is 503, and the other service is untouched', async () => {
    const gateway = await startGateway({ catalog: 'http://no-such-host.invalid:3002' });

    expect((await request(`${gateway.url}/api/products`)).status).toBe(503);
    expect((await request(`${gateway.url}/api/tags`)).status).toBe(200);
  });
});

describe('readiness', () => {
  test('When a replica says that it is not ready, then the other one is asked; when it is again, both are', async () => {
    const [a, b] = [replica('a'), replica('b')];
    a.state.ready = false;
    const gateway = await startGateway({ catalog: `${(await a.start()).url},${(await b.start()).url}` });
    await settled(gateway, becameTo('unready'));
    const meanwhile = await askedInTurn(gateway, 6);
    a.state.ready = true;
    await settled(gateway, becameTo('ready'));

    expect(meanwhile).toEqual(Array.from({ length: 6 }, () => 'b'));
    expect(new Set(await askedInTurn(gateway, 6))).toEqual(new Set(['a', 'b']));
  });

  test('When no replica is ready, then one is asked all the same, and says why', async () => {
    const a = replica('a', (_req, res) => void res.writeHead(503).end('{"reason":"database"}'));
    a.state.ready = false;
    const gateway = await startGateway({ catalog: (await a.start()).url });
    await settled(gateway, becameTo('unready'));

    const { status, text } = await request(`${gateway.url}/api/products`);

    expect([status, text]).toEqual([503, '{"reason":"database"}']);
  });

  test('When a replica takes connections and says nothing, then its service is soon 503 at once, and back when it speaks', async () => {
    const held: ServerResponse[] = [];
    let silent = true;
    const listener: RequestListener = (_req, res) => {
      if (silent) held.push(res);
      else res.end('{}');
    };
    const { url } = await startUpstream(listener, { isReady: false });
    const gateway = await startGateway({ catalog: url, requestTimeout: 30_000 });
    const early = request(`${gateway.url}/api/products`);
    await settled(gateway, becameTo('silent'));

    const { status } = await request(`${gateway.url}/api/products`, { method: 'POST', body: {} });
    const earlyStatus = (await early).status;
    silent = false;
    await settled(gateway, becameTo('ready'));

    expect([earlyStatus, status]).toEqual([503, 503]);
    expect((await request(`${gateway.url}/api/products`)).status).toBe(200);
  });

  test('When the probes succeed, then they leave no line in the log', async () => {
    const { url } = await replica('a').start();
    const gateway = await startGateway({ catalog: url });
    await delay(700);

    expect(gateway.lines.filter((line) => 'upstream' in line || 'req' in line)).toEqual([]);
  });
});

describe('attempts', () => {
  const breaking: RequestListener = (req) => void req.socket.destroy();
  /** A gateway before a replica that breaks every connection off, and one that does not; both are ready. */
  async function oneBreaks() {
    const [broken, sound] = [replica('broken', breaking), replica('sound')];
    const gateway = await startGateway({ catalog: `${(await broken.start()).url},${(await sound.start()).url}` });
    await untilKnown();
    return { gateway, broken, sound };
  }

  test.each([
    ['GET', {}],
    ['HEAD', {}],
    ['POST', { 'Idempotency-Key': '"k"' }],
    ['DELETE', { 'Idempotency-Key': '"k"' }],
  ])('When a replica breaks a %s with %j off, then the other one answers', async (method, headers) => {
    const { gateway, broken, sound } = await oneBreaks();
    const send = () => request(`${gateway.url}/api/products`, { method, headers });

    const statuses = [(await send()).status, (await send()).status];

    expect(statuses).toEqual([200, 200]);
    expect(broken.state.asked + sound.state.asked).toBe(3);
  });

  test('When a write with a key is sent again, then its body is, too', async () => {
    const bodies: string[] = [];
    let first = true;
    const gateway = await startGateway({
      catalog: (req, res) => {
        let body = '';
        req.on('data', (chunk) => {
          body += chunk;
        });
        req.on('end', () => {
          bodies.push(body);
          if (first) req.socket.destroy();
          else res.end('{}');
          first = false;
        });
      },
    });

    await request(`${gateway.url}/api/products`, {
      method: 'POST',
      body: { a: 1 },
      headers: { 'Idempotency-Key': '"k"' },
    });

    expect(bodies).toEqual(['{"a":1}', '{"a":1}']);
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
    'When a %s without a key is broken off, then it is 503, and nobody else gets it',
    async (method) => {
      const [a, b] = [replica('a', breaking), replica('b', breaking)];
      const gateway = await startGateway({ catalog: `${(await a.start()).url},${(await b.start()).url}` });
      await untilKnown();

      const { status, body } = await request(`${gateway.url}/api/products/1`, { method });

      expect(status).toBe(503);
      expect(body.detail).toContain('may or may not have been applied');
      expect(a.state.asked + b.state.asked).toBe(1);
    },
  );

  test('When every replica breaks off, then a GET is 503 after two attempts', async () => {
    const all = [replica('a', breaking), replica('b', breaking), replica('c', breaking)];
    const urls = await Promise.all(all.map(async ({ start }) => (await start()).url));
    const gateway = await startGateway({ catalog: urls.join(',') });
    await untilKnown();

    expect((await request(`${gateway.url}/api/products`)).status).toBe(503);
    expect(all.reduce((sum, { state }) => sum + state.asked, 0)).toBe(2);
  });

  test.each(['GET', 'POST'])('When a replica refuses the connection, then the other one has the %s', async (method) => {
    const gone = replica('gone');
    const server = await gone.start();
    const gateway = await startGateway({ catalog: `${server.url},${(await replica('here').start()).url}` });
    await untilKnown();
    await server.close();

    const statuses = await Promise.all(
      Array.from({ length: 10 }, async () => (await request(`${gateway.url}/api/products`, { method })).status),
    );

    expect(statuses).toEqual(Array.from({ length: 10 }, () => 200));
  });

  test('When the only replica closes a kept connection as a GET is sent, then it is answered on a new one', async () => {
    let broken = false;
    const gateway = await startGateway({
      catalog: (req, res) => {
        if (broken) res.end('{}');
        else req.socket.destroy();
        broken = true;
      },
    });

    expect((await request(`${gateway.url}/api/products`)).status).toBe(200);
  });

  test('When the first attempt of a write with a key still runs, then the second waits for its end', async () => {
    const answers: RequestListener[] = [
      breaking,
      (_req, res) => void res.writeHead(409, { 'Retry-After': '1' }).end('{}'),
      (_req, res) => void res.writeHead(409, { 'Retry-After': '1' }).end('{}'),
      (_req, res) => void res.writeHead(201, { 'Idempotency-Replayed': 'true' }).end('{"id":1}'),
    ];
    const gateway = await startGateway({ catalog: (req, res) => answers.shift()?.(req, res) });

    const { status, text } = await request(`${gateway.url}/api/products`, {
      method: 'POST',
      body: {},
      headers: { 'Idempotency-Key': '"k"' },
    });

    expect([status, text]).toEqual([201, '{"id":1}']);
  });

  test('When an answer breaks off after its beginning, then it is not asked for again', async () => {
    let asked = 0;
    const gateway = await startGateway({
      catalog: (_req, res) => {
        asked++;
        res.writeHead(200, { 'Content-Length': '100' }).write('half');
        setTimeout(() => res.destroy(), 50);
      },
    });

    await expect(request(`${gateway.url}/api/products`)).rejects.toThrow();

    expect(asked).toBe(1);
  });

  test('When a host takes no connection, then it is 503 within two seconds', async () => {
    // An address for documentation: nobody answers there.
    const gateway = await startGateway({ catalog: 'http://192.0.2.1:3002', requestTimeout: 30_000 });

    const { status } = await request(`${gateway.url}/api/products`, { method: 'POST', body: {} });

    expect(status).toBe(503);
  });

  test('When nothing listens at any address, then it is 503', async () => {
    const gateway = await startGateway({ catalog: `${await nowhere()},${await nowhere()}` });

    expect((await request(`${gateway.url}/api/products`)).status).toBe(503);
  });
});

test('When a service closes its connections, then clients keep theirs', async () => {
  const gateway = await startGateway({
    catalog: (_req, res) => void res.setHeader('Connection', 'close').end('{}'),
  });

  expect((await request(`${gateway.url}/api/products`)).headers.get('connection')).toBe('keep-alive');
});
