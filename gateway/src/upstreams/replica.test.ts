import type { RequestListener, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { block, closeAll, startUpstream } from '../testing.ts';
import { Replica } from './replica.ts';

afterEach(closeAll);

const replicaOf = async (listener: RequestListener) =>
  new Replica(new URL((await startUpstream(listener, { isReady: false })).url));

test('When it says nothing while this process has no time to notice, nor after that, then it is silent', async () => {
  const replica = await replicaOf(() => {});
  const probing = replica.probe();
  await delay(1_000);
  block(1_000);

  expect(await probing).toBe('silent');
});

test('When it has answered while this process had no time to read that, then it is ready', async () => {
  const replica = await replicaOf((_req, res) => {
    res.end();
    block(2_000);
  });

  expect(await replica.probe()).toBe('ready');
});

test('When this process has no time for as long as a replica may take, then the replica has as long as that once more', async () => {
  const asked = Promise.withResolvers<ServerResponse>();
  const replica = await replicaOf((_req, res) => asked.resolve(res));
  const probing = replica.probe();
  const answer = await asked.promise;
  block(1_500);
  setTimeout(() => answer.end(), 500);

  expect(await probing).toBe('ready');
});

test('When it falls silent after it was asked, and has answered others since then, then it is silent all the same', async () => {
  const replica = await replicaOf(() => {});
  const probing = replica.probe();
  await delay(500);
  replica.lastAnswer = performance.now();

  expect(await probing).toBe('silent');
});

test('When it answers others all the while, then its own answer is waited for', async () => {
  const replica = await replicaOf((_req, res) => void setTimeout(() => res.end(), 2_500));
  const answering = setInterval(() => {
    replica.lastAnswer = performance.now();
  }, 100);

  const state = await replica.probe();
  clearInterval(answering);

  expect(state).toBe('ready');
});
