/** The next number of a stream, from 0 up to but not including 1. */
export type Random = () => number;

/**
 * A stream of random numbers (sfc32) that is a function of its three keys alone: whoever asks for the stream of one row
 * gets the same numbers, whatever was asked before. Keys are whole numbers of 32 bits.
 */
export function randomOf(seed: number, purpose: number, row: number): Random {
  let a = seed | 0;
  let b = purpose | 0;
  let c = row | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  // The keys are small and alike; after 15 rounds their streams no longer are.
  for (let round = 0; round < 15; round++) next();
  return next;
}

/** A whole number from `minimum` to `maximum`. */
export const integer = (random: Random, minimum: number, maximum: number): number =>
  minimum + Math.floor(random() * (maximum - minimum + 1));

/** One of a list that is not empty. */
export const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

/** The list in another order (Fisher-Yates); the list itself stays. */
export function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const result = [...list];
  for (let last = result.length - 1; last > 0; last--) {
    const other = integer(random, 0, last);
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}

/** Draws an index of `weights`, each as often as its weight says. */
export function weighted(weights: readonly number[]): (random: Random) => number {
  let total = 0;
  const upTo = weights.map((weight) => {
    total += weight;
    return total;
  });
  return (random) => {
    const point = random() * total;
    let low = 0;
    let high = upTo.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((upTo[middle] as number) > point) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** Zipf's law: of `count` ranks, the n-th weighs 1/n to the power of `exponent`. */
export const zipf = (count: number, exponent = 1): number[] =>
  Array.from({ length: count }, (_, rank) => 1 / (rank + 1) ** exponent);
