import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { requestBegan, requestEnded } from './metrics.ts';
import { inPieces } from './pieces.ts';

/** Works without a pause for so many milliseconds. */
function work(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

test.each([
  ['it is alone', 1],
  ['others are in flight', 3],
])('When long work is done in pieces and %s, then what others want is done before it is over', async (_, requests) => {
  for (let count = 0; count < requests; count++) requestBegan();
  const order: string[] = [];
  const other = delay(1).then(() => order.push('other'));
  const rest = inPieces();
  for (let part = 0; part < 10; part++) {
    work(6);
    await rest();
  }
  order.push('work');
  await other;

  expect(order).toEqual(['other', 'work']);
  for (let count = 0; count < requests; count++) requestEnded('GET', 'other', 200, 0);
});

test('When work is short, then it is not interrupted', async () => {
  const order: string[] = [];
  const other = delay(0).then(() => order.push('other'));
  const rest = inPieces();
  await rest();
  order.push('work');
  await other;

  expect(order).toEqual(['work', 'other']);
});
