import fc from 'fast-check';
import { anyId, resourceOf } from './body.ts';
import type { Operation, Parameter, Schema } from './document.ts';
import { anyText } from './odd-value.ts';
import type { ResourceName } from './own-row.ts';

const dates = [
  '2026-11-22',
  '2026-11-22T14:30:00Z',
  '2026-11-22T14:30:00.123456789+14:00',
  '0000-01-01',
  '0001-01-01T00:00:00+23:59',
  '9999-12-31T23:59:59.999Z',
  '9999-12-31T23:59:59-12:00',
  '2026-02-30',
  '2026-11-22T24:00:00Z',
  '+275760-09-13T00:00:00Z',
];

/** Numbers in the text of a URL. No small whole number is among them: it could be the id of somebody else's row. */
const numbers = [
  '0',
  '-1',
  '00000',
  '1e400',
  '0x10',
  '4294967296',
  '999999999999999',
  '9007199254740993',
  '1'.repeat(400),
  '.5',
  '1.005',
];

/** Escapes that stand for nothing, for half of a character, or for what a path is not to hold. */
const brokenEscapes = [
  '%',
  '%2',
  '%zz',
  '%ff',
  '%c0%af',
  '%ed%a0%80',
  '%00',
  '%0d%0aX-Odd:1',
  '%25',
  '..%2f..',
  '%2e%2e',
  '+',
  '\u00ff',
];

/** Text as it may stand in a URL. */
export const encoded = (text: string): string => encodeURIComponent(text.toWellFormed()).slice(0, 6_000);

const anyValue: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: anyText.map(encoded) },
  { weight: 2, arbitrary: fc.constantFrom(...numbers, ...dates.map(encoded)) },
  { weight: 1, arbitrary: fc.constantFrom(...brokenEscapes) },
);

/** What a parameter's own description gives it. */
function fitting({ name, schema }: Parameter, operation: Operation, resource: ResourceName): fc.Arbitrary<string> {
  const one = schema.items ?? schema;
  const types = [one.type].flat();
  if (one.enum) return fc.constantFrom(...one.enum.map(String));
  if (name === 'products') {
    const reassign = anyId('categories').map((id) => `reassign:${id}`);
    return fc.oneof(fc.constantFrom('detach', 'delete', 'reject'), reassign);
  }
  if (/(^|_)id(_|$)/.test(name) && types.includes('integer')) return anyId(resourceOf(name, resource));
  if (types.includes('boolean')) return fc.constantFrom('true', 'false');
  if (types.includes('integer'))
    return fc.integer({ min: one.minimum ?? 0, max: Math.min(one.maximum ?? 100, 300) }).map(String);
  if (types.includes('number')) return fc.nat({ max: 100_000 }).map((cents) => String(cents / 100));
  if (/_at(_|$)/.test(name) && !name.endsWith('_like')) return fc.constantFrom(...dates).map(encoded);
  if (name === '_embed') return fc.constantFrom('', 'category', 'tags', 'products');
  if (['_sort', '_fields'].includes(name)) {
    const names = fc.uniqueArray(fc.constantFrom(...fieldsOf(operation)), { minLength: 1, maxLength: 4 });
    return names.map((some) => some.join(','));
  }
  if (typeof schema.example === 'string') return fc.oneof(fc.constant(encoded(schema.example)), anyText.map(encoded));
  return anyText.map(encoded);
}

/** The fields that an operation filters by: `price` of `price_gte`. */
const fieldsOf = ({ parameters }: Operation): string[] => [
  'id',
  ...parameters.flatMap(({ name }) => /^(.*)_like$/.exec(name)?.[1] ?? []).filter((name) => name !== 'description'),
];

/** `name=value`, encoded; seldom without a value, in brackets, or more often than once. */
function pairOf(
  parameter: Parameter,
  operation: Operation,
  resource: ResourceName,
  odd: boolean,
): fc.Arbitrary<string> {
  const fits = fitting(parameter, operation, resource).map((value) => `${parameter.name}=${value}`);
  if (!odd) return fits;
  const { name } = parameter;
  return fc.oneof(
    { weight: 4, arbitrary: fits },
    { weight: 3, arbitrary: anyValue.map((value) => `${name}=${value}`) },
    { weight: 1, arbitrary: anyValue.map((value) => `${name}=${value}&${name}=${value}`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        name,
        `${name}=`,
        `${name}[]=1`,
        `${name}[a]=1`,
        `${name}[__proto__][a]=1`,
        `${name}%00=1`,
      ),
    },
    { weight: 1, arbitrary: fits.map((pair) => Array(150).fill(pair).join('&').slice(0, 6_000)) },
  );
}

const unknown: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(anyText, anyValue).map(([name, value]) => `${encoded(name).slice(0, 500)}=${value}`),
  fc.constantFrom(
    '__proto__=1',
    '__proto__[polluted]=1',
    'constructor[prototype][polluted]=1',
    '&&&',
    '=',
    '?',
    'a=1;b=2',
    '%=%',
  ),
  fc.constant(Array.from({ length: 1_100 }, (_, index) => `p${index}=`).join('&')),
);

/** A query string, with its question mark if it has any. */
export function queryOf(operation: Operation, resource: ResourceName, odd: boolean): fc.Arbitrary<string> {
  const parameters = operation.parameters.filter((parameter) => parameter.in === 'query');
  const pairs = fc
    .shuffledSubarray(parameters)
    .chain((chosen) => fc.tuple(...chosen.slice(0, 4).map((one) => pairOf(one, operation, resource, odd))));
  const others = odd
    ? fc.oneof({ weight: 5, arbitrary: fc.constant<string[]>([]) }, { weight: 1, arbitrary: fc.tuple(unknown) })
    : fc.constant<string[]>([]);
  return fc.tuple(pairs, others).map(([own, further]) => {
    const query = [...own, ...further].join('&');
    return query === '' ? '' : `?${query}`;
  });
}

/** A value of a path parameter. */
export function segmentOf({ maximum }: Schema, resource: ResourceName, odd: boolean): fc.Arbitrary<string> {
  const id = maximum === undefined ? anyId(resource) : fc.integer({ min: 1, max: maximum }).map(String);
  return odd
    ? fc.oneof(
        { weight: 4, arbitrary: id },
        { weight: 1, arbitrary: anyValue },
        { weight: 1, arbitrary: fc.constantFrom('', '.', '..', '//', 'a/b', '1;v=2') },
      )
    : id;
}
