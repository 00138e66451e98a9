import fc from 'fast-check';
import type { Schema } from './document.ts';
import { anyJson, anyText, inJson } from './odd-value.ts';
import { ownId, ownRowCount, type ResourceName } from './own-row.ts';

/** How bodies of one operation are made. */
interface BodyContext {
  schemas: Record<string, Schema>;
  /** Whose ids are meant where a field does not say it. */
  resource: ResourceName;
  /** Whether anything may stand anywhere, now and then. */
  odd: boolean;
}

/** Which resource's ids a field or parameter holds. */
export function resourceOf(field: string, fallback: ResourceName): ResourceName {
  if (/^(?:category|parent)_id/.test(field)) return 'categories';
  if (/^(?:tag|into)/.test(field)) return 'tags';
  if (/^(?:product_id|productIds|add$|remove$)/.test(field)) return 'products';
  return fallback;
}

/** The id of one of a client's own rows; seldom one that no row has. */
export const anyId = (resource: ResourceName): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 9, arbitrary: fc.nat({ max: ownRowCount - 1 }).map((index) => ownId(resource, index)) },
    { weight: 1, arbitrary: fc.constantFrom('4000000', '4294967296', '9007199254740991') },
  );

const isId = ({ minimum, maximum }: Schema): boolean => minimum === 1 && maximum === Number.MAX_SAFE_INTEGER;

const largestInteger = 2 ** 31 - 1;

/** A text as a schema takes it: of the length that it may have, and storable. */
const fitted = (text: string, { minLength = 0, maxLength = 100_000 }: Schema): string => {
  const short = [...text.toWellFormed().trim()].slice(0, maxLength).join('').trim();
  return short.length < minLength ? `x${short}` : short;
};

function scalarOf(type: string | undefined, schema: Schema, field: string, context: BodyContext): fc.Arbitrary<string> {
  switch (type) {
    case 'null':
      return fc.constant('null');
    case 'boolean':
      return fc.constantFrom('true', 'false');
    case 'integer':
      // The versions of what was just made.
      if (field === 'version') return fc.integer({ min: 1, max: 3 }).map(String);
      if (isId(schema)) return anyId(resourceOf(field, context.resource));
      return fc
        .integer({
          min: Math.max(schema.minimum ?? 0, -largestInteger),
          max: Math.min(schema.maximum ?? largestInteger, largestInteger),
        })
        .map(String);
    case 'number':
      return fc.nat({ max: 2 ** 31 - 1 }).map((cents) => String(cents / 100));
    case 'string':
      if (schema.maximum !== undefined) return fc.nat().map((cents) => `"${cents / 100}"`);
      if (schema.pattern)
        return fc.stringMatching(new RegExp(schema.pattern), { maxLength: 20 }).map((text) => JSON.stringify(text));
      if (schema.format === 'uri')
        return fc.webUrl({ withQueryParameters: true, withFragments: true }).map((url) => JSON.stringify(url));
      return inJson(context.odd ? anyText : anyText.map((text) => fitted(text, schema)));
    default:
      return anyJson;
  }
}

type Pair = [name: string, json: string];

const objectText = (pairs: Pair[]): string =>
  `{${pairs.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`;

function objectOf(schema: Schema, context: BodyContext): fc.Arbitrary<string> {
  const properties = Object.entries(schema.properties ?? {});
  const writable = properties.filter(([, property]) => !property.readOnly);
  const required = schema.required ?? [];
  const parts = writable.map(([name, property]) => {
    const value = jsonOf(property, name, context).map((json): Pair[] => [[name, json]]);
    const absent = fc.constant<Pair[]>([]);
    return required.includes(name) && !context.odd
      ? value
      : fc.oneof({ weight: 1, arbitrary: absent }, { weight: required.includes(name) ? 9 : 1, arbitrary: value });
  });
  const others = context.odd
    ? fc.array(
        fc.tuple(
          fc.oneof(fc.constantFrom('__proto__', 'constructor', ...properties.map(([name]) => name)), anyText),
          anyJson,
        ),
        {
          maxLength: 2,
        },
      )
    : fc.constant<Pair[]>([]);
  return fc.tuple(fc.tuple(...parts), others).map(([own, further]) => objectText([...own.flat(), ...further]));
}

/** JSON texts that a schema allows, or, where the context is odd, allows but for some of their parts. */
export function jsonOf(schema: Schema, field: string, context: BodyContext): fc.Arbitrary<string> {
  if (schema.$ref) {
    const name = schema.$ref.replace('#/components/schemas/', '');
    return jsonOf(context.schemas[name] as Schema, field, context);
  }
  const plain = plainOf(schema, field, context);
  return context.odd ? fc.oneof({ weight: 7, arbitrary: plain }, { weight: 1, arbitrary: anyJson }) : plain;
}

function plainOf(schema: Schema, field: string, context: BodyContext): fc.Arbitrary<string> {
  if (schema.enum) return fc.constantFrom(...schema.enum.map((value) => JSON.stringify(value)));
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => jsonOf(one, field, context)));
  const types = [schema.type].flat();
  if (types.length > 1) return fc.oneof(...types.map((type) => scalarOf(type, schema, field, context)));
  if (schema.type === 'array') {
    return fc
      .array(jsonOf(schema.items ?? {}, field, context), { maxLength: Math.min(schema.maxItems ?? 4, 4) })
      .map((items) => `[${items.join(',')}]`);
  }
  if (schema.type === 'object' && schema.properties) return objectOf(schema, context);
  if (schema.type === 'object') {
    return fc.oneof(
      fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })).map((value) => JSON.stringify(value)),
      fc.constant('{"__proto__":{"polluted":1}}'),
    );
  }
  return scalarOf(schema.type as string | undefined, schema, field, context);
}
