import { Problem } from '@shop/service-kit/problem.ts';
import * as z from 'zod';
import { parseDecimal } from './decimal.ts';
import { cleanLine, isPlainLine, isVisible } from './line-text.ts';

/** What a field refuses, in the terms of a `Fault`. */
const refuse = (code: string, error: string, allowed?: unknown) => ({ error, params: { code, allowed } });

/** Puts `keywords` in the place of what zod says of a schema in OpenAPI: for a value whose text form is parsed. */
export const describedAs =
  (keywords: Record<string, unknown>) =>
  ({ jsonSchema }: { jsonSchema: Record<string, unknown> }): void => {
    for (const keyword of ['type', 'pattern', 'anyOf', 'format', 'minimum', 'maximum']) delete jsonSchema[keyword];
    Object.assign(jsonSchema, keywords);
  };

/** Text that can be stored: no half of a surrogate pair, which UTF-8 cannot hold. */
const storable = (value: string): boolean => value.isWellFormed();
const notStorable = refuse('invalid_text', 'must be well-formed Unicode');

/** Whether a text has more characters than that, as MySQL counts them: code points, of one or two UTF-16 units. */
const isLonger = (value: string, maximum: number): boolean =>
  value.length > maximum && (value.length > 2 * maximum || [...value].length > maximum);

const notPlain = refuse('invalid_text', 'must have no control characters, nor any that change the direction of text');

/** A line of text, cleaned of what nobody sees in it, of 1 to `maximum` characters. */
export const line = (maximum: number, description: string, example: string) =>
  z
    .string()
    .overwrite(cleanLine)
    .refine(storable, notStorable)
    .refine(isPlainLine, notPlain)
    .refine(isVisible, refuse('too_short', 'must have at least 1 character that can be seen', { minimum: 1 }))
    .refine(
      (value) => !isLonger(value, maximum),
      refuse('too_long', `must have at most ${maximum} characters`, { maximum }),
    )
    .meta({
      description: `${description} One line: breaks become spaces, and characters without width go.`,
      example,
      override: { minLength: 1, maxLength: maximum },
    });

/** Text of any kind, at most `maximumBytes` in UTF-8 where that is given. */
export const prose = (description: string, maximumBytes = Number.POSITIVE_INFINITY) =>
  z
    .string()
    .refine(storable, notStorable)
    .refine(
      (value) => Buffer.byteLength(value) <= maximumBytes,
      refuse('too_long', `must have at most ${maximumBytes} bytes`, { maximum: maximumBytes }),
    )
    .meta({ description, example: 'Soft cotton, washed.' });

export const id = z.int().min(1).meta({ description: 'The number that identifies it.', example: 1 });

/** The most digits of an id that a problem repeats. */
const toldDigits = 40;

/** An id that no number has the digits of, as a problem tells it. */
export const toldId = (digits: string): string =>
  digits.length > toldDigits ? `${digits.slice(0, toldDigits)}…` : digits;

/** An id in a path: digits only. One that is too large for any row is 404 at once, as it was written: no number has its digits. */
export const pathId = z
  .string()
  .regex(/^[0-9]+$/, 'must be a positive whole number')
  .transform((digits) => {
    if (Number.isSafeInteger(Number(digits))) return Number(digits);
    throw new Problem('not_found', `There is nothing with the id ${toldId(digits)}.`);
  })
  .refine((value) => value > 0, refuse('invalid_format', 'must be a positive whole number'))
  .meta({
    description: 'The id of the resource.',
    example: '1',
    override: describedAs({ type: 'integer', minimum: 1 }),
  });

/** A whole number from 0 to `maximum`; -0, which JSON can say and no column can hold, is 0. */
export const count = (maximum: number) => z.int().min(0).max(maximum).overwrite(Math.abs);

export const slug = z
  .string()
  .max(255)
  .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'must be lower-case letters and digits, in words joined by single hyphens')
  .meta({
    description: 'Its name in a URL; unique. Derived from the name when absent on create; a rename keeps it.',
    example: 'plain-t-shirt',
  });

/** Up to `maximum` ids; one that is listed twice counts once. */
export const idList = (maximum: number, description: string) =>
  z
    .array(id)
    .max(maximum)
    .transform((ids) => [...new Set(ids)])
    .meta({ description, example: [6, 7] });

/** A field that the system sets: accepted in a write, so that a client can send back what it read, and ignored. */
export const ignored = z
  .unknown()
  .optional()
  .meta({ readOnly: true, description: 'Set by the system; ignored in a write.' });

export const timestamp = (description: string) =>
  z.iso.datetime({ precision: 3 }).meta({ description, example: '2026-11-22T14:30:00.000Z' });

/** What every resource tells of its own history. */
export const bookkeeping = {
  created_at: timestamp('When it was created (UTC).'),
  updated_at: timestamp('When it last changed (UTC).'),
  version: z.int().min(1).meta({ description: '1 on create; every change adds one.', example: 1 }),
};

/** In an update: what the client has read. It is compared, not written. */
export const expectedVersion = z.int().min(1).optional().meta({
  description: 'The version that you read: when it is not the current one, nothing is changed and the answer is 409.',
  example: 1,
});

export const ignoredBookkeeping = { created_at: ignored, updated_at: ignored, version: ignored };

const largestPrice = 99_999_999.99;

/**
 * A price: a JSON number or the same as text, exact to the cent. More than two decimals are refused rather than rounded.
 * A number of this size with two decimals survives the way through a double unchanged.
 */
export const price = z
  .union([z.number(), z.string()], { error: 'must be a number' })
  .transform((value, context) => {
    const text = String(value).trim();
    const fault = (code: string, message: string, allowed: unknown) => {
      context.addIssue({ code: 'custom', message, params: { code, allowed } });
      return z.NEVER;
    };
    const decimal = parseDecimal(text);
    if (!decimal) return fault('invalid_type', 'must be a number', { type: 'number' });
    if (decimal.isNegative) return fault('too_small', 'must be at least 0', { minimum: 0 });
    if (Number(text) > largestPrice)
      return fault('too_large', `must be at most ${largestPrice}`, { maximum: largestPrice });
    if (decimal.fraction.length > 2) return fault('too_precise', 'must have at most two decimals', { decimals: 2 });
    return Math.abs(Number(text));
  })
  .meta({
    description: 'In the currency of the shop; at most two decimals, never rounded.',
    example: 14.99,
    override: describedAs({ type: ['number', 'string'], minimum: 0, maximum: largestPrice }),
  });

/** A price as it is answered. */
export const priceShape = z
  .number()
  .min(0)
  .max(largestPrice)
  .meta({ description: 'In the currency of the shop.', example: 14.99 });

const metadataBytes = 16_384;
const metadataDepth = 16;

/** Why a JSON value cannot be stored as metadata, or undefined. Depth is bounded because the databases bound it, too. */
function metadataFault(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : 'must be well-formed Unicode throughout';
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'must hold numbers that fit a double';
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth === metadataDepth) return `must not be nested more than ${metadataDepth} deep`;
  const parts = Array.isArray(value) ? value : Object.entries(value).flat();
  for (const part of parts) {
    const fault = metadataFault(part, depth + 1);
    if (fault) return fault;
  }
  return undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Any JSON object of a bounded size; it is replaced as a whole and returned as it was given. */
export const metadata = z
  .unknown()
  .transform((value, context): Record<string, unknown> => {
    const fault = (code: string, message: string, allowed: unknown) => {
      context.addIssue({ code: 'custom', message, params: { code, allowed } });
      return z.NEVER;
    };
    if (!isObject(value)) return fault('invalid_type', 'must be a JSON object', { type: 'object' });
    const unfit = metadataFault(value);
    if (unfit) return fault('invalid_value', unfit, { depth: metadataDepth });
    const text = JSON.stringify(value);
    // Parsed again it is what the database gives back, so that -0, which JSON writes as 0, is no change.
    if (Buffer.byteLength(text) <= metadataBytes) return JSON.parse(text);
    return fault('too_long', `must have at most ${metadataBytes} bytes`, { maximum: metadataBytes });
  })
  .meta({
    description:
      'Whatever else you keep with the product: a JSON object of at most 16 KiB. Its numbers come back as they were sent; one ' +
      'that a double does not hold exactly is refused.',
    example: { material: 'cotton' },
    override: describedAs({ type: 'object', additionalProperties: true }),
  });

export const metadataShape = z.record(z.string(), z.unknown()).meta({ example: { material: 'cotton' } });

export const imageUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .max(2048)
  .refine(storable, notStorable)
  .refine((value) => isPlainLine(value) && cleanLine(value) === value, notPlain)
  .meta({ example: 'https://images.example.com/plain-t-shirt.jpg' });
