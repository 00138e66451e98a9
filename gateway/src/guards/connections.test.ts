import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { listen } from '@shop/service-kit/server.ts';
import { boundConnections } from './connections.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** A server for three connections. */
async function start() {
  const { server, url, close } = await listen((_req, res) => res.end('{}'), { host: '127.0.0.1', port: 0 });
  boundConnections(server, 3);
  cleanUps.push(close);
  return async (localAddress: string) => {
    const socket: Socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', localAddress });
    cleanUps.push(() => socket.destroy());
    socket.on('error', () => {}).resume();
    await once(socket, 'connect');
    await delay(50);
    return socket;
  };
}

const ask = async (socket: Socket): Promise<string> => {
  const answered = once(socket, 'data');
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  return String((await answered)[0]).slice(0, 12);
};

test('When an address has all connections, then another connects, and the one without a request for longest is closed', async () => {
  const open = await start();
  const [first, second, third] = [await open('127.0.0.1'), await open('127.0.0.1'), await open('127.0.0.1')];
  const closed = once(second, 'close');
  await ask(first);

  const other = await open('127.0.0.2');
  await closed;

  expect([await ask(other), await ask(first), await ask(third)]).toEqual([
    'HTTP/1.1 200',
    'HTTP/1.1 200',
    'HTTP/1.1 200',
  ]);
});

test('When an address opens more and more connections, then others keep theirs', async () => {
  const open = await start();
  const other = await open('127.0.0.2');
  for (let count = 0; count < 6; count++) await open('127.0.0.1');

  expect(await ask(other)).toBe('HTTP/1.1 200');
});
