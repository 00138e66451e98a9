import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from '@jest/globals';
import { generateKey } from '../guards/api-key.ts';
import { keyLine, temporaryKeyFile } from '../guards/testing.ts';
import { closeAll, startGateway } from '../testing.ts';

afterEach(closeAll);

/** Sends headers that `fetch` would refuse to send. */
async function send(url: string, headers: Record<string, string>, { method = 'GET', body = '' } = {}) {
  const sent = httpRequest(`${url}/api/products`, { method, headers });
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  sent.end(body);
  const [answer] = await answered;
  return { status: answer.statusCode, headers: answer.headers, body: await json(answer) };
}

/** The headers that a service gets. */
async function receivedOf(
  url: string,
  ...sent: Parameters<typeof send> extends [string, ...infer Rest] ? Rest : never
) {
  const { body } = await send(url, ...sent);
  return (body as { headers: Record<string, string> }).headers;
}

describe('the headers of a request', () => {
  test.each(['Keep-Alive', 'Proxy-Authorization', 'Proxy-Connection', 'TE', 'Trailer', 'Upgrade'])(
    'When %s comes, then it is not passed on',
    async (name) => {
      const gateway = await startGateway();

      // A Trailer is sent with chunks alone.
      const sent = { 'Transfer-Encoding': 'chunked', [name]: 'x' };

      expect(await receivedOf(gateway.url, sent, { method: 'POST', body: '{}' })).not.toHaveProperty(
        name.toLowerCase(),
      );
    },
  );

  test('When Connection names some, then these are not passed on, and others are', async () => {
    const gateway = await startGateway();

    const received = await receivedOf(gateway.url, {
      Connection: 'close, X-Hop ,, x-other',
      'X-Hop': '1',
      'X-Other': '2',
      'X-End': '3',
    });

    expect(received).toMatchObject({ 'x-end': '3' });
    expect(received).not.toHaveProperty('x-hop');
    expect(received).not.toHaveProperty('x-other');
  });

  test.each(['Host', 'Content-Type', 'Authorization', 'Idempotency-Key', 'If-Match'])(
    'When Connection names %s, which is not for a connection, then it is passed on',
    async (name) => {
      const gateway = await startGateway();
      const sent = { Connection: name, [name]: 'x' };

      expect(await receivedOf(gateway.url, sent)).toMatchObject({ [name.toLowerCase()]: 'x' });
    },
  );

  test.each(['Content-Length', 'Transfer-Encoding'])(
    'When Connection names %s, then the body arrives all the same',
    async (name) => {
      const gateway = await startGateway();
      const value = name === 'Content-Length' ? '5' : 'chunked';

      const { body } = await send(gateway.url, { Connection: name, [name]: value }, { method: 'POST', body: 'whole' });

      expect(body).toMatchObject({ body: 'whole' });
    },
  );

  test.each(['X-Request-Id', 'X-Request-Timeout-Ms', 'X-Forwarded-For'])(
    "When Connection names %s, then the gateway's own is passed on",
    async (name) => {
      const gateway = await startGateway();

      expect(await receivedOf(gateway.url, { Connection: name })).toHaveProperty([name.toLowerCase()]);
    },
  );

  test('When Connection names the header that tells whose key it was, then the service is told all the same', async () => {
    const key = generateKey();
    const { file, remove } = await temporaryKeyFile(keyLine('shop', 'read', key));
    const guard = { keysFile: file, publicRead: false, rateLimit: undefined, redisUrl: undefined };
    const gateway = await startGateway({ guard });
    const sent = { Authorization: `Bearer ${key}`, Connection: 'X-Api-Client' };

    const received = await receivedOf(gateway.url, sent);
    await remove();

    expect(received).toMatchObject({ 'x-api-client': 'shop' });
  });

  test('When a trusted proxy passes on a Connection that names X-Forwarded-For, then the client is known all the same', async () => {
    const gateway = await startGateway({ trustProxy: true });
    const sent = { Connection: 'X-Forwarded-For', 'X-Forwarded-For': '192.0.2.9' };

    expect(await receivedOf(gateway.url, sent)).toMatchObject({ 'x-forwarded-for': '192.0.2.9, 127.0.0.1' });
  });
});

describe('the headers of an answer', () => {
  const answering =
    (headers: Record<string, string>): RequestListener =>
    (_req, res) =>
      void res.writeHead(200, { 'Content-Type': 'application/json', ...headers }).end('{}');

  test.each(['Proxy-Authenticate', 'Proxy-Connection', 'Trailer', 'Upgrade'])(
    'When %s comes, then the client does not get it',
    async (name) => {
      const catalog = answering({ 'Transfer-Encoding': 'chunked', [name]: 'x' });
      const gateway = await startGateway({ catalog });

      expect((await send(gateway.url, {})).headers).not.toHaveProperty(name.toLowerCase());
    },
  );

  test('When Connection names some, then the client gets the others alone', async () => {
    const catalog = answering({ Connection: 'keep-alive, X-Hop', 'X-Hop': '1', 'X-End': '2' });
    const gateway = await startGateway({ catalog });

    const { headers } = await send(gateway.url, {});

    expect(headers).toMatchObject({ 'x-end': '2' });
    expect(headers).not.toHaveProperty('x-hop');
  });

  test("When a service says how long it keeps its connection, then the client is told the gateway's time", async () => {
    const catalog = answering({ Connection: 'keep-alive', 'Keep-Alive': 'timeout=1' });
    const gateway = await startGateway({ catalog });

    const { headers } = await send(gateway.url, { Connection: 'keep-alive' });

    expect(headers['keep-alive']).toBe('timeout=65');
  });

  test('When Connection names what the gateway itself says, then the client gets that', async () => {
    const catalog = answering({ Connection: 'X-Request-Id, Content-Length, Content-Type', 'Content-Length': '2' });
    const gateway = await startGateway({ catalog });

    const { headers } = await send(gateway.url, { 'X-Request-Id': 'order-1' });

    expect(headers).toMatchObject({
      'x-request-id': 'order-1',
      'content-length': '2',
      'content-type': 'application/json',
    });
  });
});
