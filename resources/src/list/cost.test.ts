import { expect, test } from '@jest/globals';
import type { Database } from '@shop/db/connection/connection.ts';
import { DeadlineError } from '@shop/db/errors.ts';
import { within } from '@shop/service-kit/deadline.ts';
import { LimitedLane } from '@shop/service-kit/limited-lane.ts';
import { inLane } from './cost.ts';

const expenses = [{ parameter: '_sort', code: 'expensive', detail: 'is slow' }];
const db = { guard: { lane: new LimitedLane(1) } } as Database;
const late = () => Promise.reject(new DeadlineError());

test('When the time of the lane is up for a read, then it is 503 and says when to come again', async () => {
  const refusal = { code: 'unavailable', errors: expenses, headers: { 'Retry-After': expect.stringMatching(/^\d+$/) } };
  await expect(within(10_000, () => inLane(db, expenses, late))).rejects.toMatchObject(refusal);
});

test('When the time of its request is up, then that is what it says', async () => {
  await expect(within(0, () => inLane(db, expenses, late))).rejects.toThrow(DeadlineError);
});
