import { expect, test } from '@jest/globals';
import { runHistories } from '@shop/verification/history/history.ts';
import { baseUrl } from '../client.ts';

const seed = Number(process.env.HISTORY_SEED || Date.now() % 2 ** 31);

test('When clients do random things at once, then one order of their requests explains every answer and what is left', async () => {
  const { rounds, failure } = await runHistories(baseUrl(), { seed, rounds: 20, timeLimit: 15_000 });

  expect(failure).toBeUndefined();
  expect(rounds).toBeGreaterThan(0);
});
