import type { Reviver } from '@shop/service-kit/json-body.ts';
import type { Fault } from '@shop/service-kit/problem.ts';

/** The bodies whose price was written with more decimals than its double has left. */
const rounded = new WeakSet<object>();

/**
 * Notices a price being rounded before anybody sees it: `19.999999999999999999` is 20 once it is a double. The value stays
 * what it is; {@link roundedPrice} then finds the fault. Only a number of more than 15 digits, or with an exponent, can be one.
 */
export const priceReviver: Reviver = {
  isNeeded: (json) => /\d[\d.]{15}|\de/i.test(json),
  revive(key, value, { source }) {
    if (key === 'price' && source !== undefined && isFinerThanCents(source) && !isFinerThanCents(String(value))) {
      rounded.add(this as object);
    }
    return value;
  },
};

/** The fault of a body that {@link priceReviver} has noticed. */
export function roundedPrice(body: unknown): Fault[] {
  if (typeof body !== 'object' || body === null || !rounded.has(body)) return [];
  return [
    { pointer: '/price', code: 'too_precise', detail: 'must have at most two decimals', allowed: { decimals: 2 } },
  ];
}

/** Whether a JSON number has other digits than 0 behind its second decimal. */
function isFinerThanCents(number: string): boolean {
  const [mantissa = '', exponent = '0'] = number.toLowerCase().split('e');
  const [whole, fraction = ''] = mantissa.split('.');
  const beyond = fraction.length - Number(exponent) - 2;
  return beyond > 0 && /[1-9]/.test(`${whole}${fraction}`.slice(-beyond));
}
