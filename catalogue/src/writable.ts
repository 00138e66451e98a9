import { bodyLimit } from '@shop/service-kit/body-limit.ts';

/** Bytes that a representation may have to be sent back, with room for what a client adds to it. */
const mostBytes = bodyLimit - 1_024;

/** Bytes that a byte of text may become in JSON: a control character is `\u0001`. */
export const jsonInflation = 6;

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/**
 * A representation that may be sent back as the body of a PUT: a list in it ends early where all of it would be too large for one,
 * and is then said to be truncated. What can be sent back is returned as it is.
 * @param atMost bytes that it has as JSON at the most; exact where that may be too many, to measure costs as much as to send
 */
export function writable<Item extends object>(item: Item, field: 'products' | 'tags', atMost: number): Item {
  const list = (item as Record<string, unknown>)[field];
  if (atMost <= mostBytes || !Array.isArray(list) || bytesOf(item) <= mostBytes) return item;
  const without = { ...item, [field]: [], [`${field}_truncated`]: true };
  let room = mostBytes - bytesOf(without);
  const end = list.findIndex((element) => {
    room -= bytesOf(element) + 1;
    return room < 0;
  });
  return { ...without, [field]: list.slice(0, end) };
}
