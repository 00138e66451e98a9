import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { requestUntilAnswered } from '@shop/testing/retry.ts';
import { removeFolder, type Stack, startStack, temporaryFolder } from '@shop/testing/stack.ts';

/** One of its own: who asks another stack at the same time is not to be refused for this. */
let stack: Stack;
beforeAll(async () => {
  // With time enough on a machine that has little for it: that each is done within ten seconds is not promised.
  stack = await startStack(await temporaryFolder(), { REQUEST_TIMEOUT_MS: '60000' });
});
afterAll(async () => {
  await stack.stop();
  await removeFolder(stack.folder);
});

/** How many come at once: more than the gateway holds of the largest. */
const many = 20;

const repeat = (count: number, text: (index: number) => string): string =>
  Array.from({ length: count }, (_, i) => text(i)).join();

test.each([
  ['130,000 fields that nobody knows', `{${repeat(130_000, (index) => `"a field of some length ${index}":1`)}}`],
  ['a million empty arrays', `{"create":[${repeat(1_000_000, () => '[]')}]}`],
  [
    '1,000 operations, each with 240 values that it must not have',
    `{"create":[${repeat(1_000, () => `{"x":[${repeat(240, () => '{}')}]}`)}]}`,
  ],
])(
  'When 20 batches come at once with %s, then each is 400, or 503 where it is too much, and who comes next is answered',
  async (_, body) => {
    const headers = { 'Content-Type': 'application/json' };
    const answers = await Promise.all(
      Array.from({ length: many }, () =>
        request(`${stack.gateway}/api/products/batch`, { method: 'POST', body, headers }),
      ),
    );
    // On a slow machine the service may have been busy for so long that the gateway asks first whether it is well.
    const next = await requestUntilAnswered(`${stack.gateway}/api/products?_limit=1`, {});

    expect(answers.map(({ status }) => status).filter((status) => status !== 400 && status !== 503)).toEqual([]);
    expect(answers.some(({ status }) => status === 400)).toBe(true);
    expect(next.status).toBe(200);
  },
);
