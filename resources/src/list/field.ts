import * as z from 'zod';
import { type Decimal, parseDecimal } from '../decimal.ts';
import { describedAs } from '../fields.ts';

/** How a field's values are written in a query string, compared and sorted. */
export type FieldKind = 'integer' | 'decimal' | 'string' | 'text' | 'enum' | 'datetime';

/** A scalar field of a resource, as lists filter and sort by it. */
export interface ListField {
  kind: FieldKind;
  nullable?: boolean;
  /** No two rows have the same value. Where none can be null either, an order by it is total. */
  unique?: boolean;
  /** For `enum`: what it can be. */
  values?: readonly string[];
  /** The SQL that stands for it; its column when absent. */
  sql?: string;
}

/** A value as it is bound to a statement. Decimals stay text, so that nothing is rounded on the way. */
export type FieldValue = string | number | null;

/** How many rows a window by offset may have, where its end is given. */
export const largestWindow = 1_000;

/** How many rows a page may have, and how many values a filter: as many as can be named can be answered. */
export const largestLimit = 250;

export const operators = ['', '_ne', '_gte', '_lte', '_like'] as const;
export type Operator = (typeof operators)[number];

const samples: Record<FieldKind, string> = {
  integer: 'a whole number',
  decimal: 'a number',
  string: 'text',
  text: 'text',
  enum: 'one of its values',
  datetime: 'a date (2026-11-22) or an RFC 3339 time (2026-11-22T14:30:00Z)',
};

/** The times that a column can be compared with: in UTC, an offset can lead out of the years that SQL has. */
const [firstTime, lastTime] = [Date.parse('0001-01-01T00:00:00.000Z'), Date.parse('9999-12-31T23:59:59.999Z')];

/** A time as SQL has it; one beyond all of them is the first or the last. */
const sqlTime = (time: number): string =>
  new Date(Math.min(Math.max(time, firstTime), lastTime)).toISOString().replace('T', ' ').slice(0, -1);

const date = z.iso.date();
const dateTime = z.iso.datetime({ offset: true });
const isTime = (text: string): boolean => date.safeParse(text).success || dateTime.safeParse(text).success;

/** A date or time in SQL. As the end of a range a date is the end of its day, as anything else its beginning, in UTC. */
function timeIn(text: string, operator: Operator): string | undefined {
  if (!isTime(text)) return undefined;
  const isDay = !text.includes('T');
  if (operator === '_lte' && isDay) return sqlTime(Date.parse(`${text}T23:59:59.999Z`));
  // Beyond the milliseconds that a column has, what follows makes it later than they say.
  const isBetween = /\.\d{3}\d*[1-9]/.test(text);
  return sqlTime(Date.parse(text) + (operator === '_gte' && isBetween ? 1 : 0));
}

const farthest = Number.MAX_SAFE_INTEGER;

/** Digits as a number; what is beyond all that a column can hold is the farthest of these. */
export const wholeNumber = (digits: string): number => Math.min(Math.max(Number(digits), -farthest), farthest);

/**
 * A number as `DECIMAL(21, 6)` has it, which compares with every value of up to five decimals as the number itself does: of one
 * with more than six, the sixth says that there is more; a larger one is the largest.
 */
function comparable(decimal: Decimal | undefined): string | undefined {
  if (!decimal) return undefined;
  const { isNegative, whole, fraction } = decimal;
  const size = whole.length > 15 ? '9'.repeat(15) : whole;
  const rest = fraction.length > 6 ? `${fraction.slice(0, 5)}1` : fraction;
  return `${isNegative ? '-' : ''}${size}.${rest || '0'}`;
}

/** A value of a field as it stands in a query string; undefined when it is not one. */
function parseValue({ kind, values }: ListField, text: string, operator: Operator): FieldValue | undefined {
  switch (kind) {
    case 'integer':
      return /^-?[0-9]+$/.test(text) ? wholeNumber(text) : undefined;
    case 'decimal':
      return comparable(parseDecimal(text));
    case 'enum':
      return values?.includes(text) ? text : undefined;
    case 'datetime':
      return timeIn(text, operator);
    default:
      return text.isWellFormed() ? text : undefined;
  }
}

/** A list separated by commas; one that is given in several parameters of its name is the same. */
export const commaList = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => [given].flat().filter(Boolean).join(','));

/** What is wrong with a value, as zod takes it from a transform. */
export const refuse = (
  context: z.core.$RefinementCtx,
  message: string,
  code = 'invalid_value',
  allowed?: unknown,
): never => {
  context.addIssue({ code: 'custom', message, params: { code, allowed } });
  return z.NEVER;
};

/** Whether an operator makes sense for a field: only text that can be long is not compared. */
export const hasOperator = ({ kind }: ListField, operator: Operator): boolean =>
  kind !== 'text' || (operator !== '_gte' && operator !== '_lte');

/** Characters that can be looked for by `_like`: the time that takes is the product of their number and that of the text's. */
const longestPattern = 200;

const jsonTypes: Partial<Record<FieldKind, string>> = { integer: 'integer', decimal: 'number' };

/** The schema of one filter parameter: it may be repeated, and `null` or nothing stands for null where the field can be null. */
export function filterSchema(name: string, field: ListField, operator: Operator) {
  const repeatable = operator === '' || operator === '_ne';
  const expected = field.kind === 'enum' ? `one of ${field.values?.join(', ')}` : samples[field.kind];
  const sentence = `must be ${expected}${field.nullable && repeatable ? ' or null' : ''}`;
  const parse = (text: string): FieldValue | undefined => {
    if (operator === '_like') return text !== '' && text.isWellFormed() ? text : undefined;
    // A bare `category_id` is how some clients write null. Long text may be empty.
    const isNull = text === 'null' || (text === '' && field.kind !== 'text');
    if (isNull && field.nullable && repeatable) return null;
    return parseValue(field, text, operator);
  };
  const item = {
    type: (operator === '_like' ? undefined : jsonTypes[field.kind]) ?? 'string',
    ...(field.kind === 'enum' && operator !== '_like'
      ? { enum: [...(field.values ?? []), ...(field.nullable ? ['null'] : [])] }
      : {}),
  };
  const schema = field.nullable && repeatable ? { type: [item.type, 'string'] } : item;
  const isTimed = field.kind === 'datetime';
  const instant = isTimed ? ', to the millisecond; a date is 00:00 UTC' : '';
  const descriptions: Record<Operator, string> = {
    '': `\`${name}\` is this, or any of several${instant}`,
    _ne: `\`${name}\` is not this, nor any of several${instant}`,
    _gte: `\`${name}\` is at least this${isTimed ? '; a date is the beginning of its day in UTC' : ''}`,
    _lte: `\`${name}\` is at most this${isTimed ? '; a date is the end of its day in UTC' : ''}`,
    _like: `\`${name}\` holds this text`,
  };
  return z
    .union([z.string(), z.array(z.string())], { error: sentence })
    .transform((given, context): FieldValue[] => {
      const texts = [given].flat();
      if (texts.length > largestLimit)
        return refuse(context, `must be given at most ${largestLimit} times`, 'too_long', { maximum: largestLimit });
      if (!repeatable && texts.length > 1) return refuse(context, 'must be given once');
      if (operator === '_like' && texts.some(({ length }) => length > longestPattern)) {
        return refuse(context, `must have at most ${longestPattern} characters`, 'too_long', {
          maximum: longestPattern,
        });
      }
      const values = texts.map(parse);
      if (values.some((value) => value === undefined)) {
        const lostPlus =
          field.kind === 'datetime' && texts.some((text) => isTime(text.replace(' ', '+')) && !isTime(text));
        const hint = lostPlus ? '; a + in a query stands for a space: write %2B' : '';
        return refuse(
          context,
          operator === '_like' ? 'must be text' : `${sentence}${hint}`,
          'invalid_value',
          field.values,
        );
      }
      return values as FieldValue[];
    })
    .optional()
    .meta({
      description: descriptions[operator],
      override: describedAs(repeatable ? { type: 'array', items: schema } : schema),
    });
}
