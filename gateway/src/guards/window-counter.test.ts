import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { WindowCounter } from './window-counter.ts';

/** Counts requests of clients, and says how many of each there have been. */
function countIn(windowMs: number, most?: number) {
  const counter = new WindowCounter(most);
  counter.init({ windowMs });
  return (...clients: string[]) => clients.map((client) => counter.increment(client).totalHits);
}

test('When clients come again in their windows, then each is counted for itself', () => {
  const count = countIn(60_000);

  expect(count('a', 'b', 'a', 'a', 'b')).toEqual([1, 1, 2, 3, 2]);
});

test('When its window is over, then a client begins anew', async () => {
  const count = countIn(50);
  count('a', 'a');
  await delay(100);

  expect(count('a', 'a')).toEqual([1, 2]);
});

test('When more clients come than are counted, then the one that came first is forgotten', () => {
  const count = countIn(60_000, 3);
  count('a', 'b', 'c', 'd');

  expect(count('b', 'c', 'd', 'a')).toEqual([2, 2, 2, 1]);
});
