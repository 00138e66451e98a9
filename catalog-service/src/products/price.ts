/** What became text in the place of a number, by the object that holds it. */
const rounded = new WeakMap<object, number>();

/**
 * A JSON reviver that keeps a price from being rounded before anybody sees it: `19.999999999999999999` is 20 once it is
 * a double. Such a number is handed on as the text it was, which the price's schema then refuses for its decimals.
 * Inside of `metadata`, a price is a number like any other.
 */
export function keepExactPrice(this: unknown, key: string, value: unknown, { source }: { source?: string }): unknown {
  if (key === 'metadata') putBack(value);
  if (key !== 'price' || typeof value !== 'number' || source === undefined) return value;
  if (!isFinerThanCents(source) || isFinerThanCents(String(value))) return value;
  rounded.set(this as object, value);
  return source;
}

/** Whether a JSON number has other digits than 0 behind its second decimal. */
function isFinerThanCents(number: string): boolean {
  const [mantissa = '', exponent = '0'] = number.toLowerCase().split('e');
  const [whole, fraction = ''] = mantissa.split('.');
  const beyond = fraction.length - Number(exponent) - 2;
  return beyond > 0 && /[1-9]/.test(`${whole}${fraction}`.slice(-beyond));
}

/** Undoes what the reviver did inside of `value`. */
function putBack(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const price = rounded.get(value);
  if (price !== undefined) Object.assign(value, { price });
  for (const part of Object.values(value)) putBack(part);
}
