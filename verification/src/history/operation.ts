import fc from 'fast-check';
import type { HistoryAnswer, HistoryRequest } from './exchange.ts';
import type { Outcome, ResourceName, State } from './state.ts';

/** What a client of a history knows when it makes a request. */
export interface Known {
  /** All names of a history begin with it, so that its rows are found, and are nobody else's. */
  prefix: string;
  /** The ids of all that was created, deleted ones too. */
  ids: Record<ResourceName, number[]>;
  /** What this client has last seen of a resource, by its path: its body, and the entity tag where there was one. */
  seen: Map<string, { body: Record<string, unknown>; etag: string | null }>;
}

/** What a client can do. `Parameters` is what is random of it. */
export interface Operation<Parameters = unknown> {
  name: string;
  /** How often it comes, beside the others. */
  weight: number;
  parameters: fc.Arbitrary<Parameters>;
  request(parameters: Parameters, known: Known): HistoryRequest;
  /** All that may be answered in a state. Only what the server chooses (an id, a slug) is taken from the answer. */
  outcomes(state: State, request: HistoryRequest, answer: HistoryAnswer): Outcome[];
}

/** An entry of the table; its parameters stay its own. */
export const operation = <Parameters>(entry: Operation<Parameters>): Operation => entry as Operation;

/** Few values and few rows, so that clients meet. A reference is an index into what was created. */
export const letter = fc.constantFrom('a', 'b', 'c', 'd');
export const index = fc.nat({ max: 5 });
export const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 3 });
export const indexes = fc.uniqueArray(index, { maxLength: 3 });
const description = orNull(fc.constantFrom('short', 'Ünïcode 🦊'));

/** The fields of each resource, with values that {@link bodyOf} makes those of a run. */
const fields = {
  categories: { category_name: letter, slug: letter, description, parent_id: orNull(index), position: fc.nat(3) },
  products: {
    product_name: letter,
    slug: letter,
    sku: orNull(letter),
    description,
    status: fc.constantFrom('draft', 'active', 'archived'),
    price: fc.constantFrom(1, 2.5, 19.99),
    stock: fc.nat(6),
    category_id: orNull(index),
    metadata: fc.constantFrom({}, { a: 1, b: [null] }),
    tagIds: indexes,
  },
  tags: { tag_name: letter, slug: letter, productIds: indexes },
} satisfies Record<ResourceName, Record<string, fc.Arbitrary<unknown>>>;

/** The fields that a new one must have. */
export const required: Record<ResourceName, string[]> = {
  categories: ['category_name'],
  products: ['product_name', 'price'],
  tags: ['tag_name'],
};

/** A random body, which has these fields and any of the others. */
export const fieldsOf = (resource: ResourceName, requiredKeys: string[]) =>
  fc.record<Record<string, unknown>, string>(fields[resource], { requiredKeys });

/** An id that no row has. */
export const nobody = 4_000_000_000;
/** The id that an index stands for. */
export const idAt = (known: Known, resource: ResourceName, at: number): number => {
  const ids = known.ids[resource];
  return ids[at % ids.length] ?? nobody;
};
export const idsAt = (known: Known, resource: ResourceName, ats: unknown): number[] => [
  ...new Set((ats as number[]).map((at) => idAt(known, resource, at))),
];

/** A body of random fields, with the names and ids of a run. */
export function bodyOf(random: Record<string, unknown>, known: Known): Record<string, unknown> {
  const values: Record<string, (value: never) => unknown> = {
    category_name: (value) => `${known.prefix} ${value}`,
    product_name: (value) => `${known.prefix} ${value}`,
    tag_name: (value) => `${known.prefix} ${value}`,
    slug: (value) => `${known.prefix}-${value}`,
    sku: (value) => `${known.prefix}-${value}`,
    parent_id: (value) => idAt(known, 'categories', value),
    category_id: (value) => idAt(known, 'categories', value),
    tagIds: (value) => idsAt(known, 'tags', value),
    productIds: (value) => idsAt(known, 'products', value),
  };
  const resolve = ([field, value]: [string, unknown]) => [
    field,
    value === null ? null : (values[field]?.(value as never) ?? value),
  ];
  return Object.fromEntries(Object.entries(random).map(resolve));
}

/** What a change says of the version that it changes; `whole` sends back all that was read, its version included. */
export const expectation = fc.constantFrom(
  'nothing',
  'nothing',
  'version',
  'whole',
  'If-Match',
  'any',
  'wrong version',
);

/** The headers of a change that expects this. */
export function ifMatch(expects: string, etag: string | null): { headers?: Record<string, string> } {
  if (expects === 'any') return { headers: { 'If-Match': '*' } };
  return expects === 'If-Match' && etag ? { headers: { 'If-Match': etag } } : {};
}
