import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';

let target: Server;
let proxy: FaultProxy;
let heard: string[];
beforeEach(async () => {
  heard = [];
  target = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      heard.push(String(chunk));
      socket.write(`echo ${chunk}`);
    });
  });
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  proxy = await startFaultProxy({ host: '127.0.0.1', port: (target.address() as { port: number }).port });
});
afterEach(async () => {
  await proxy.close();
  await new Promise((resolve) => target.close(resolve));
});

/** A client that asks and waits for what comes next: data, or how the connection ended. */
function client() {
  const socket: Socket = dial(proxy.port, proxy.host);
  const ended = new Promise<string>((resolve) => {
    socket.once('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? 'error'));
    socket.once('close', () => resolve('closed'));
  });
  const next = () =>
    Promise.race([ended, new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))))]);
  return {
    socket,
    next,
    ended,
    ask: (text: string) => {
      socket.write(text);
      return next();
    },
  };
}

test('When it passes, is late or slow, then the answer is the same', async () => {
  const { ask, socket, next } = client();
  expect(await ask('one')).toBe('echo one');
  await proxy.become({ kind: 'latency', ms: 20 });
  expect(await ask('two')).toBe('echo two');
  await proxy.become({ kind: 'slow', bytes: 4, ms: 5 });
  let text = await ask('3');
  while (text.length < 'echo 3'.length) text += await next();
  expect(text).toBe('echo 3');
  socket.destroy();
});

test('When it is a black hole, then nothing passes until it is none any more', async () => {
  const { ask, socket } = client();
  await ask('one');
  await proxy.become({ kind: 'black hole' });
  const other = client();
  const answers = Promise.all([ask('two'), other.ask('three')]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(heard).toEqual(['one']);
  await proxy.become({ kind: 'pass' });
  expect(await answers).toEqual(['echo two', 'echo three']);
  socket.destroy();
  other.socket.destroy();
});

test('When it refuses, then new connections are refused, and are not afterwards', async () => {
  const { ask, socket } = client();
  await ask('one');
  await proxy.become({ kind: 'refuse' });
  expect(await client().ended).toBe('ECONNREFUSED');
  expect(await ask('two')).toBe('echo two');
  await proxy.become({ kind: 'pass' });
  const again = client();
  expect(await again.ask('three')).toBe('echo three');
  again.socket.destroy();
  socket.destroy();
});

test('When it resets, then the connections that there are break off', async () => {
  const { ask, ended } = client();
  await ask('one');
  proxy.reset();
  expect(await ended).toBe('ECONNRESET');
});

test.each([
  { moment: 'before' as const, arrived: ['one'] },
  { moment: 'answered' as const, arrived: ['one', 'COMMIT'] },
])('When it breaks off $moment, then the target has heard $arrived', async ({ moment, arrived }) => {
  const { ask } = client();
  await ask('one');
  const broken = proxy.breakAt('COMMIT', moment);
  expect(await ask('COMMIT')).toBe('ECONNRESET');
  await broken;
  expect(heard).toEqual(arrived);
});
