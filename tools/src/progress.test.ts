import { describe, expect, test } from '@jest/globals';
import { createProgress, type ProgressOutput } from './progress.ts';

/** A progress/1,000 products on a stream and a clock of its own; `at` moves the clock to so many seconds. */
function start(output: Omit<ProgressOutput, 'write'>, rateUnit?: string) {
  const texts: string[] = [];
  const clock = { now: 0 };
  const progress = createProgress({
    total: 1_000,
    unit: 'products',
    ...(rateUnit ? { rateUnit } : {}),
    out: { ...output, write: (text) => texts.push(text) },
    now: () => clock.now,
  });
  const at = (seconds: number, done: number, worked?: number) => {
    clock.now = seconds * 1000;
    progress.update(done, worked);
  };
  return { texts, at, end: progress.end };
}

const clear = '\r\u001b[K';

describe('progress on a terminal', () => {
  test('When work is under way, then one line is drawn anew: bar, percent, count, rate and remaining time', () => {
    const { texts, at } = start({ isTTY: true, columns: 120 });

    at(1, 10);
    at(2, 500);

    expect(texts).toEqual([
      `${clear}  1 %  ${'░'.repeat(24)}  10/1,000 products  10 products/s  1 min 39 s left`,
      `${clear} 50 %  ${'█'.repeat(12)}${'░'.repeat(12)}  500/1,000 products  250 products/s  2 s left`,
    ]);
  });

  test('When updates come quickly, then at most five a second are drawn', () => {
    const { texts, at } = start({ isTTY: true, columns: 120 });

    for (let update = 0; update < 100; update++) at(1 + update / 100, update);

    expect(texts).toHaveLength(5);
  });

  test('When work ends, then the last state stays in a line of its own, with the time that it took', () => {
    const { texts, at, end } = start({ isTTY: true, columns: 120 });
    at(3, 900);
    at(3.1, 1_000);

    end();

    expect(texts.at(-1)).toBe(`${clear}100 %  ${'█'.repeat(24)}  1,000/1,000 products  323 products/s  in 3 s\n`);
  });

  test('When the terminal has 80 columns, then the bar is shorter and the whole text fits', () => {
    const { texts, at } = start({ isTTY: true, columns: 80 }, 'rows');

    at(1_000, 999, 50_000_000);

    expect(texts).toEqual([`${clear} 99 %  █████████░  999/1,000 products  50,000 rows/s  1 s left`]);
  });

  test('When the terminal is narrow, then the line is cut rather than wrapped', () => {
    const { texts, at } = start({ isTTY: true, columns: 40 });

    at(1, 10);

    expect(texts[0]?.slice(clear.length)).toHaveLength(39);
  });
});

describe('progress elsewhere', () => {
  test('When work is under way, then a plain line is written every five seconds', () => {
    const { texts, at } = start({});

    for (let second = 1; second <= 12; second++) at(second, second * 10);

    expect(texts).toEqual([
      '5 %, 50/1,000 products, 10 products/s, 1 min 35 s left\n',
      '10 %, 100/1,000 products, 10 products/s, 1 min 30 s left\n',
    ]);
  });

  test('When work ends before the first five seconds, then there is one line with its last state', () => {
    const { texts, at, end } = start({});
    at(2, 1_000);

    end();

    expect(texts).toEqual(['100 %, 1,000/1,000 products, 500 products/s, in 2 s\n']);
  });

  test('When work ends before anything was done, then nothing is written', () => {
    const { texts, end } = start({});

    end();

    expect(texts).toEqual([]);
  });

  test('When the rate counts something else, then it is told apart', () => {
    const { texts, at } = start({}, 'rows');

    at(10, 100, 350);

    expect(texts).toEqual(['10 %, 100/1,000 products, 35 rows/s, 1 min 30 s left\n']);
  });

  test('When hours remain, then they are told in hours and minutes', () => {
    const { texts, at } = start({});

    at(60, 10);

    expect(texts).toEqual(['1 %, 10/1,000 products, 0 products/s, 1 h 39 min left\n']);
  });
});
