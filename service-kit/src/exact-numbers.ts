import type { Fault } from './problem.ts';

/**
 * The numbers of JSON bodies that a double does not hold as they were written: for each array or object, the keys that are such
 * a number or lead to one.
 */
const inexact = new WeakMap<object, Set<string>>();

/** How many significant digits every number may have; more are kept where the double says the same. */
const safeDigits = 15;

/**
 * Whether a JSON text may have a number that a double does not hold: only one of more than 15 digits, or with an exponent, can be
 * one. To look at each number costs ten times the parsing.
 */
export const mayBeInexact = (json: string): boolean => /\d[\d.]{15}|\de[+-]?\d/i.test(json);

/** For `JSON.parse`: leaves every value as it is, and notes the numbers that are not as they were written. */
export function noteInexact(this: object, key: string, value: unknown, { source }: { source?: string }): unknown {
  const isNoted =
    typeof value === 'number'
      ? source !== undefined && Number.isFinite(value) && decimalOf(source) !== decimalOf(String(value))
      : typeof value === 'object' && value !== null && inexact.has(value);
  if (isNoted) inexact.set(this, (inexact.get(this) ?? new Set()).add(key));
  return value;
}

/** The faults of the numbers in a JSON value, or a part of one, that are not as they were written; pointers begin there. */
export function* inexactNumbers(value: unknown, pointer = ''): Generator<Fault> {
  const keys = typeof value === 'object' && value !== null ? inexact.get(value) : undefined;
  for (const key of keys ?? []) {
    const part = (value as Record<string, unknown>)[key];
    const place = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (typeof part !== 'number') yield* inexactNumbers(part, place);
    else {
      yield {
        pointer: place,
        code: 'too_precise',
        detail: `has more digits than a number keeps, and would become ${part}`,
        allowed: { digits: safeDigits },
      };
    }
  }
}

/** What tells the values of two JSON numbers of the same sign apart, exactly: the digits that count, and where they end. */
function decimalOf(number: string): string {
  const [mantissa = '', exponent = '0'] = number.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const digits = whole + fraction;
  let start = 0;
  while (digits[start] === '0') start++;
  let end = digits.length;
  while (end > start && digits[end - 1] === '0') end--;
  return start === end
    ? '0'
    : `${digits.slice(start, end)}e${Number(exponent) - fraction.length + digits.length - end}`;
}
