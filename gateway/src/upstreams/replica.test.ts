import type { RequestListener } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { closeAll, startUpstream } from '../testing.ts';
import { Replica } from './replica.ts';

afterEach(closeAll);

const replicaOf = async (listener: RequestListener) =>
  new Replica(new URL((await startUpstream(listener, { isReady: false })).url));

/** Leaves this process no time for anything else. */
function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

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
