import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { within } from '@shop/service-kit/deadline.ts';
import { DeadlineError, LaneError } from '../errors.ts';
import { LimitedLane } from './limited-lane.ts';

/** Work that is done when it is told so. */
function held() {
  const work = Promise.withResolvers<string>();
  let hasBegun = false;
  return {
    run: () => {
      hasBegun = true;
      return work.promise;
    },
    end: () => work.resolve('done'),
    get hasBegun() {
      return hasBegun;
    },
  };
}

describe('the lane for expensive reads', () => {
  test('When more come than run at a time, then they run in the order of coming', async () => {
    const lane = new LimitedLane(2);
    const works = [held(), held(), held(), held()];
    const results = works.map((work) => lane.run(work.run));
    expect(works.map(({ hasBegun }) => hasBegun)).toEqual([true, true, false, false]);

    works[1]?.end();
    await results[1];
    // Whoever is next begins behind the promises that were settled meanwhile.
    await delay(0);
    expect(works.map(({ hasBegun }) => hasBegun)).toEqual([true, true, true, false]);
    for (const work of works) work.end();
    expect(await Promise.all(results)).toEqual(['done', 'done', 'done', 'done']);
  });

  test('When they are quick, then a crowd of them passes', async () => {
    const lane = new LimitedLane(1, { longest: 60_000, longestWait: 60_000 });
    for (const result of [1, 2, 3]) await lane.run(async () => result);
    const quick = Array.from({ length: 200 }, (_, index) => lane.run(async () => index));

    expect(await Promise.all(quick)).toHaveLength(200);
  });

  test('When one does not end, then those who come later are refused, though the latest ones were quick', async () => {
    const lane = new LimitedLane(1, { longest: 10_000, longestWait: 50 });
    for (const result of [1, 2, 3]) await lane.run(async () => result);
    const first = held();
    const running = lane.run(first.run);
    await delay(60);

    await expect(lane.run(async () => 'never')).rejects.toThrow(LaneError);
    first.end();
    expect(await running).toBe('done');
  });

  test('When the latest ones were slow, then whoever would wait for long is refused at once, and nobody who need not', async () => {
    const lane = new LimitedLane(1, { longest: 10_000, longestWait: 50 });
    await lane.run(() => delay(100));
    await lane.run(() => delay(100));
    const first = held();
    const running = lane.run(first.run);

    await expect(lane.run(async () => 'never')).rejects.toThrow(LaneError);
    first.end();
    expect(await running).toBe('done');
    expect(await lane.run(async () => 'next')).toBe('next');
  });

  test('When the turn does not come in time, then it is refused, and the next one is not', async () => {
    const lane = new LimitedLane(1, { longest: 10_000, longestWait: 50 });
    const first = held();
    const running = lane.run(first.run);
    await expect(lane.run(async () => 'never')).rejects.toThrow(LaneError);

    first.end();
    expect(await running).toBe('done');
    expect(await lane.run(async () => 'next')).toBe('next');
  });

  test('When the time of the lane is up for one that runs, then it says so; when that of its request, then that', async () => {
    const lane = new LimitedLane(1);
    const late = () => Promise.reject(new DeadlineError());

    await expect(within(10_000, () => lane.run(late))).rejects.toThrow(LaneError);
    await expect(within(0, () => lane.run(late))).rejects.toThrow(DeadlineError);
  });
});
