import { expect, test } from '@jest/globals';
import { sharing } from './sharing.ts';

/** Work that ends when it is told to, in the order in which it was begun. */
function workshop() {
  const begun: PromiseWithResolvers<number>[] = [];
  return {
    begun,
    work: () => {
      const job = Promise.withResolvers<number>();
      begun.push(job);
      return job.promise;
    },
    /** Lets everything go on that can. */
    settle: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

test('When many ask the same while an answer is on its way, then all of them share the next one, which begins after it', async () => {
  const { begun, work, settle } = workshop();
  const ask = sharing<number>();

  const first = ask('a', { closed: false }, work);
  const others = Array.from({ length: 20 }, () => ask('a', { closed: false }, work));
  await settle();
  const atFirst = begun.length;
  begun[0]?.resolve(1);
  await settle();
  begun[1]?.resolve(2);

  expect(atFirst).toBe(1);
  expect(await first).toBe(1);
  expect(await Promise.all(others)).toEqual(Array.from({ length: 20 }, () => 2));
  expect(begun).toHaveLength(2);
});

test('When the next one is on its way, then who asks gets the one after that', async () => {
  const { begun, work, settle } = workshop();
  const ask = sharing<number>();

  void ask('a', { closed: false }, work);
  const second = ask('a', { closed: false }, work);
  begun[0]?.resolve(1);
  await settle();
  const third = ask('a', { closed: false }, work);
  begun[1]?.resolve(2);
  await settle();
  begun[2]?.resolve(3);

  expect(await Promise.all([second, third])).toEqual([2, 3]);
});

test('When an answer fails, then those who have asked meanwhile still get theirs', async () => {
  const { begun, work, settle } = workshop();
  const ask = sharing<number>();

  const first = ask('a', { closed: false }, work);
  const second = ask('a', { closed: false }, work);
  begun[0]?.reject(new Error('away'));
  await expect(first).rejects.toThrow('away');
  await settle();
  begun[1]?.resolve(2);

  expect(await second).toBe(2);
});

test('When the questions differ, then each is answered at once', () => {
  const { begun, work } = workshop();
  const ask = sharing<number>();

  void ask('a', { closed: false }, work);
  void ask('b', { closed: false }, work);

  expect(begun).toHaveLength(2);
});

test('When nobody asks meanwhile, then the next question is answered anew', async () => {
  const { begun, work, settle } = workshop();
  const ask = sharing<number>();

  void ask('a', { closed: false }, work);
  begun[0]?.resolve(1);
  await settle();
  void ask('a', { closed: false }, work);

  expect(begun).toHaveLength(2);
});

test('When those who share an answer go away, then it is wanted until the last one has gone', async () => {
  const { begun, work, settle } = workshop();
  const ask = sharing<number>();
  const wanted: (() => boolean)[] = [];
  const told = (isWanted: () => boolean) => {
    wanted.push(isWanted);
    return work();
  };
  const [one, two, three] = [{ closed: false }, { closed: false }, { closed: false }];

  void ask('a', one, told);
  void ask('a', two, told);
  void ask('a', three, told);
  begun[0]?.resolve(1);
  await settle();
  const isWanted = () => wanted.map((tell) => tell());
  const seen = [isWanted()];
  one.closed = true;
  two.closed = true;
  seen.push(isWanted());
  three.closed = true;
  seen.push(isWanted());

  expect(seen).toEqual([
    [true, true],
    [false, true],
    [false, false],
  ]);
});
