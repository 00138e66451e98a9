import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { LaneError, LimitedLane } from './limited-lane.ts';

/** Work of a client in a lane, which ends when it is told so. */
function work(lane: LimitedLane, client = '') {
  const end = Promise.withResolvers<void>();
  let hasBegun = false;
  const done = (async () => {
    const leave = await lane.enter(client);
    hasBegun = true;
    await end.promise;
    leave();
  })();
  // Who is refused may be so before anybody looks.
  done.catch(() => {});
  return {
    done,
    end: () => end.resolve(),
    get hasBegun() {
      return hasBegun;
    },
  };
}

/** One after the other, each for so many milliseconds. */
async function three(lane: LimitedLane, milliseconds: number): Promise<void> {
  for (let count = 0; count < 3; count++) {
    const leave = await lane.enter('');
    await delay(milliseconds);
    leave();
  }
}

const refused = async (lane: LimitedLane, client = ''): Promise<LaneError> => {
  const error = await lane.enter(client).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(LaneError);
  return error;
};

describe('a lane for heavy work', () => {
  test('When more comes than runs at a time, then it runs in the order of coming', async () => {
    const lane = new LimitedLane(2);
    const works = [1, 2, 3, 4].map(() => work(lane));
    await delay(0);
    expect(works.map(({ hasBegun }) => hasBegun)).toEqual([true, true, false, false]);

    works[1]?.end();
    await works[1]?.done;
    await delay(0);
    expect(works.map(({ hasBegun }) => hasBegun)).toEqual([true, true, true, false]);
    for (const { end } of works) end();
    await Promise.all(works.map(({ done }) => done));
  });

  test('When it is quick, then a crowd of it passes', async () => {
    const lane = new LimitedLane(1, 60_000);
    await three(lane, 0);
    const crowd = Array.from({ length: 200 }, () => work(lane));
    for (const { end } of crowd) end();

    expect(await Promise.all(crowd.map(({ done }) => done))).toHaveLength(200);
  });

  test('When one client sends much, then another waits for little of it', async () => {
    const lane = new LimitedLane(1, 60_000);
    const greedy = Array.from({ length: 10 }, () => work(lane, 'greedy'));
    const other = work(lane, 'other');
    for (const { end } of greedy.slice(0, 2)) end();
    await greedy[1]?.done;
    await delay(0);

    expect(greedy.map(({ hasBegun }) => hasBegun).filter(Boolean)).toHaveLength(2);
    expect(other.hasBegun).toBe(true);
    for (const { end } of [...greedy, other]) end();
    await Promise.all([...greedy, other].map(({ done }) => done));
  });

  test('When one does not end, then those who come later are refused, though the latest ones were quick', async () => {
    const lane = new LimitedLane(1, 50);
    await three(lane, 0);
    const first = work(lane);
    await delay(60);

    await refused(lane);
    first.end();
    await first.done;
  });

  test('When the latest ones were slow, then whoever would wait for long is refused at once, and nobody who need not', async () => {
    const lane = new LimitedLane(1, 50);
    await three(lane, 100);
    const first = work(lane);

    await refused(lane);
    first.end();
    await first.done;
    const next = work(lane);
    next.end();
    await next.done;
  });

  test('When all places to wait are taken by one client, then another gets one of them', async () => {
    const lane = new LimitedLane(1, 60_000);
    // As many wait as can be expected to run within a minute.
    await three(lane, 100);
    const greedy: ReturnType<typeof work>[] = [];
    for (let error: unknown; error === undefined; ) {
      greedy.push(work(lane, 'greedy'));
      error = await Promise.race([greedy.at(-1)?.done.catch((thrown) => thrown), delay(0)]);
    }
    const other = work(lane, 'other');
    expect(await Promise.race([other.done.catch((thrown) => thrown), delay(0)])).toBeUndefined();

    await refused(lane, 'greedy');
    for (const { end } of [...greedy, other]) end();
    await other.done;
    await Promise.allSettled(greedy.map(({ done }) => done));
  });

  test('When the turn does not come in time, then it is refused, and the next one is not', async () => {
    const lane = new LimitedLane(1, 50);
    const first = work(lane);
    await refused(lane);

    first.end();
    await first.done;
    const next = work(lane);
    next.end();
    await next.done;
  });

  test('When many are refused, then they are told to come one after the other, but not too late', async () => {
    const lane = new LimitedLane(1, 50);
    await three(lane, 400);
    const first = work(lane);
    const told: number[] = [];
    for (let count = 0; count < 30; count++) told.push((await refused(lane)).retryAfter);

    expect(told[0]).toBeLessThan(10);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(told.at(-1)).toBe(10);
    first.end();
    await first.done;
  });
});
