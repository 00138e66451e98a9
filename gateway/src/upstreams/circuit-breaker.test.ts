import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { CircuitBreaker, type Suspect } from './circuit-breaker.ts';

/** So long that a machine without time changes nothing. */
const times = { retryPause: 60_000, turn: 60_000 };

/** Requests whose fates the test sees. */
function suspects(breaker: CircuitBreaker) {
  const fates: string[] = [];
  const make = (fingerprint: string, sentAt: number, isRetry = true) => {
    const suspect: Suspect = {
      fingerprint,
      sentAt,
      isRetry,
      proceed: () => void fates.push(`${fingerprint} is sent`),
      quarantine: () => void fates.push(`${fingerprint} is refused`),
    };
    return suspect;
  };
  /** Lets requests lose the same replica, and enter again. */
  const lose = (...lost: Suspect[]) => {
    const loss = {};
    for (const suspect of lost) breaker.lost({ ...suspect, isRetry: false }, loss);
    for (const suspect of lost) breaker.enter(suspect);
  };
  const seen = async (count: number) => {
    while (fates.length < count) await delay(5);
    await delay(30);
    return fates;
  };
  return { make, lose, seen };
}

test('When requests have lost a replica, then they are sent one at a time, the latest first', async () => {
  const breaker = new CircuitBreaker(() => true, times);
  const { make, lose, seen } = suspects(breaker);
  const [first, last] = [make('first', 1), make('last', 2)];

  lose(first, last);
  const before = [...(await seen(1))];
  breaker.leave(last);

  expect(before).toEqual(['last is sent']);
  expect(await seen(2)).toEqual(['last is sent', 'first is sent']);
});

test('When one that is sent again loses a replica as well, then those that wait are refused, also others like it', async () => {
  const breaker = new CircuitBreaker(() => true, times);
  const { make, lose, seen } = suspects(breaker);
  const bad = make('bad', 9);

  lose(bad, make('bad', 2), make('other', 1));
  await seen(1);
  const mayRetry = breaker.lost(bad, {});

  expect(await seen(3)).toEqual(['bad is sent', 'bad is refused', 'other is refused']);
  expect(mayRetry).toBe(false);
});

test('When one is answered, then all others like it are sent at once', async () => {
  const breaker = new CircuitBreaker(() => true, times);
  const { make, lose, seen } = suspects(breaker);
  const one = make('same', 9);

  lose(one, make('same', 3), make('same', 2), make('same', 1));
  await seen(1);
  breaker.leave(one);
  breaker.clear(one);

  expect(await seen(4)).toHaveLength(4);
  expect(breaker.isClosed).toBe(true);
});

test('When no replica is ready, then nobody waits', async () => {
  const breaker = new CircuitBreaker(() => false);
  const { make, lose, seen } = suspects(breaker);

  lose(make('first', 1), make('second', 2));

  expect(await seen(2)).toEqual(['first is sent', 'second is sent']);
});

test('When more requests are suspected than are remembered, then the oldest is forgotten', () => {
  const breaker = new CircuitBreaker(() => true);
  const { make } = suspects(breaker);
  for (let index = 0; index < 1_001; index++) breaker.lost(make(`${index}`, index, false), {});
  let sent = 0;

  breaker.enter({ ...make('0', 1), proceed: () => void sent++ });

  expect(sent).toBe(1);
});
