import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { generateKey } from '../guards/api-key.ts';
import { keyLine, startGuardedGateway, temporaryKeyFile } from '../guards/testing.ts';
import { closeAll, startGateway } from '../testing.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  await closeAll();
});

const mebibyte = 2 ** 20;

/** A client that sends bytes, and keeps what it is answered. */
async function open(url: string) {
  const socket: Socket = connect({ port: Number(new URL(url).port), allowHalfOpen: true });
  await once(socket, 'connect');
  cleanUps.push(async () => socket.destroy());
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  const errors: Error[] = [];
  socket.on('error', (error) => errors.push(error));
  return {
    socket,
    errors,
    heard: () => heard,
    /** The status of the first response, when its head has come. */
    status: async () => {
      while (!heard.includes('\r\n\r\n')) await delay(5);
      return Number(heard.split(' ')[1]);
    },
  };
}

const headOf = (method: string, path: string, length: number, ...lines: string[]) =>
  `${[`${method} ${path} HTTP/1.1`, 'Host: x', `Content-Length: ${length}`, ...lines].join('\r\n')}\r\n\r\n`;

async function startWithKeys(): Promise<string> {
  const { file, remove } = await temporaryKeyFile(keyLine('shop', 'write', generateKey()));
  const gateway = await startGuardedGateway({ keysFile: file });
  cleanUps.push(gateway.stop, remove);
  return gateway.url;
}

describe('a body that is not used', () => {
  test.each([
    ['GET', '/api/products/batch', 8 * mebibyte, 405],
    ['GET', '/api/products', 1_025, 413],
    ['GET', '/api/products/1/stock-movements', 1_025, 413],
    ['HEAD', '/api/tags', 1_025, 413],
    ['DELETE', '/api/products/1', 1_025, 413],
    ['POST', '/api/products/1', 1_025, 405],
    ['PUT', '/api/products', 1_025, 405],
    ['POST', '/api/products/1/nothing', 1_025, 404],
    ['POST', '/api/products/nothing/batch', 8 * mebibyte, 404],
    ['PATCH', '/api/products/1', mebibyte + 1, 413],
    ['POST', '/API/products', 1_025, 404],
  ])(
    'When %s %s announces a body of %i bytes, then it is %i before any of it is sent',
    async (method, path, length, expected) => {
      const gateway = await startGateway();
      const client = await open(gateway.url);

      client.socket.write(headOf(method, path, length));

      expect(await client.status()).toBe(expected);
    },
  );

  test.each([
    ['POST', '/api/products/'],
    ['POST', '/api/tags/batch/'],
    ['PATCH', '/api/categories/7/'],
    ['POST', '/api/tags/7/merge'],
  ])('When %s %s has a body, then it arrives', async (method, path) => {
    const gateway = await startGateway();

    const { status, body } = await request(gateway.url + path, { method, body: 'x'.repeat(2_000) });

    expect([status, body?.body?.length]).toEqual([200, 2_000]);
  });
});

describe('an answer before the end of its request', () => {
  test('When a key is missing, then it is 401 before the body is read, and the client is not asked to send it', async () => {
    const client = await open(await startWithKeys());

    client.socket.write(headOf('POST', '/api/products/batch', 8 * mebibyte, 'Expect: 100-continue'));

    expect(await client.status()).toBe(401);
    expect(client.heard()).toMatch(/\r\nConnection: close\r\n/i);
  });

  test('When the client still sends, then it can read the answer, and the connection ends', async () => {
    const client = await open(await startWithKeys());
    const { socket } = client;
    const ended = new Promise((resolve) => socket.once('end', resolve));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(headOf('POST', '/api/products/batch', 8 * mebibyte));
    const sending = setInterval(() => {
      if (socket.writable) socket.write('x'.repeat(1_000));
    }, 5);
    cleanUps.push(async () => clearInterval(sending));

    const status = await client.status();
    await ended;
    const errors = [...client.errors];
    await closed;

    expect(status).toBe(401);
    expect(JSON.parse(client.heard().split('\r\n\r\n')[1] ?? '')).toMatchObject({ code: 'unauthenticated' });
    expect(errors).toEqual([]);
  });

  test('When a small body comes with the request, then the connection is good for the next one', async () => {
    const client = await open(await startWithKeys());

    client.socket.write(`${headOf('POST', '/api/products', 2)}{}`.repeat(2));
    while (client.heard().split('HTTP/1.1 401').length < 3) await delay(5);

    expect(client.heard()).not.toMatch(/Connection: close/i);
  });
});
