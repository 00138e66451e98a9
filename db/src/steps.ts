/** How many rows a step changes: few enough that nobody who wants one of them waits for long. */
export const defaultStepSize = 1_000;

/** Cuts a list into pieces of `size`. */
export function* piecesOf<T>(list: T[], size = defaultStepSize): Generator<T[]> {
  for (let start = 0; start < list.length; start += size) yield list.slice(start, start + size);
}
