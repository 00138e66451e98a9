import { expect, test } from '@jest/globals';
import { createFuzzer } from '@shop/verification/hostile/fuzz.ts';
import { baseUrl } from '../client.ts';

const seed = Number(process.env.FUZZ_SEED || Date.now() % 2 ** 31);
const requests = Number(process.env.FUZZ_RUNS || 2_000);

test('When any requests come, then each is answered as the API describes itself, and what is refused changes nothing', async () => {
  const fuzz = await createFuzzer(baseUrl());

  const { requests: sent, failure } = await fuzz({ seed, requests, timeLimit: 20_000 });

  expect(failure).toBeUndefined();
  expect(sent).toBeGreaterThan(0);
});
