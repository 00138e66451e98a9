import fc from 'fast-check';
import type { HistoryAnswer, HistoryRequest } from './exchange.ts';
import {
  createOutcomes,
  nameField,
  type Outcome,
  presented,
  presentedWhole,
  refusal,
  removeOutcomes,
  updateOutcomes,
} from './outcome.ts';
import { entriesOf, type ResourceName, rowOf, type State, withChange, withMovement } from './state.ts';

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
const operation = <Parameters>(entry: Operation<Parameters>): Operation => entry as Operation;

/** Few values and few rows, so that clients meet. A reference is an index into what was created. */
const letter = fc.constantFrom('a', 'b', 'c', 'd');
const index = fc.nat({ max: 5 });
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 3 });
const indexes = fc.uniqueArray(index, { maxLength: 3 });
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

const required: Record<ResourceName, string[]> = {
  categories: ['category_name'],
  products: ['product_name', 'price'],
  tags: ['tag_name'],
};

const fieldsOf = (resource: ResourceName, requiredKeys: string[]) =>
  fc.record<Record<string, unknown>, string>(fields[resource], { requiredKeys });

/** An id that no row has. */
export const nobody = 4_000_000_000;
const idAt = (known: Known, resource: ResourceName, at: number): number => {
  const ids = known.ids[resource];
  return ids[at % ids.length] ?? nobody;
};
const idsAt = (known: Known, resource: ResourceName, ats: unknown): number[] => [
  ...new Set((ats as number[]).map((at) => idAt(known, resource, at))),
];

/** A body of random fields, with the names and ids of a run. */
function bodyOf(random: Record<string, unknown>, known: Known): Record<string, unknown> {
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
const expectation = fc.constantFrom('nothing', 'nothing', 'version', 'whole', 'If-Match', 'any', 'wrong version');

const create = (resource: ResourceName) =>
  operation({
    name: `create ${resource}`,
    weight: 3,
    parameters: fieldsOf(resource, required[resource]),
    request: (parameters, known) => ({
      method: 'POST',
      path: `/api/${resource}`,
      body: bodyOf(parameters, known),
    }),
    outcomes: (state, request, answer) => createOutcomes(resource, state, request, answer),
  });

const update = (resource: ResourceName, method: 'PUT' | 'PATCH') =>
  operation({
    name: `${method} ${resource}`,
    weight: 4,
    parameters: fc.record({ at: index, changes: fieldsOf(resource, []), expects: expectation }),
    request({ at, changes, expects }, known) {
      const id = idAt(known, resource, at);
      const path = `/api/${resource}/${id}`;
      const { body: last, etag } = known.seen.get(path) ?? { body: {}, etag: null };
      const version = last.version as number | undefined;
      const body = {
        ...(expects === 'whole' ? last : {}),
        ...bodyOf(changes, known),
        ...(expects === 'version' && version ? { version } : {}),
        ...(expects === 'wrong version' ? { version: (version ?? 1) + 1 } : {}),
      };
      return { method, path, id, body, ...ifMatch(expects, etag) };
    },
    outcomes: (state, request) => updateOutcomes(resource, state, request),
  });

function ifMatch(expects: string, etag: string | null): { headers?: Record<string, string> } {
  if (expects === 'any') return { headers: { 'If-Match': '*' } };
  return expects === 'If-Match' && etag ? { headers: { 'If-Match': etag } } : {};
}

const remove = (resource: ResourceName) =>
  operation({
    name: `delete ${resource}`,
    weight: 2,
    parameters: fc.record({ at: index, expects: expectation }),
    request({ at, expects }, known) {
      const id = idAt(known, resource, at);
      const path = `/api/${resource}/${id}`;
      return { method: 'DELETE', path, id, ...ifMatch(expects, known.seen.get(path)?.etag ?? null) };
    },
    outcomes: (state, request) => removeOutcomes(resource, state, request),
  });

const read = (resource: ResourceName) =>
  operation({
    name: `get ${resource}`,
    weight: 2,
    parameters: index,
    request(at, known) {
      const id = idAt(known, resource, at);
      return { method: 'GET', path: `/api/${resource}/${id}`, id };
    },
    outcomes(state, { id = 0 }) {
      const row = rowOf(state, resource, id);
      return [row ? { status: 200, body: presented(resource, id, row), state } : refusal(state, 'not_found')];
    },
  });

const listPath = (resource: ResourceName, { prefix }: Known) =>
  `/api/${resource}?${nameField(resource)}_like=${prefix}&_sort=id&_limit=250`;

/** All ids and versions, which are of one moment. */
const list = (resource: ResourceName) =>
  operation({
    name: `list ${resource}`,
    weight: 1,
    parameters: fc.constant(null),
    request: (_, known) => ({ method: 'GET', path: `${listPath(resource, known)}&_fields=id,version&_embed=` }),
    outcomes(state) {
      const body = entriesOf(state, resource).map(([id, { version }]) => ({ id, version }));
      return [{ status: 200, body, state }];
    },
  });

const changeStock = operation({
  name: 'stock',
  weight: 6,
  parameters: fc.record({
    at: index,
    delta: fc.integer({ min: -6, max: 6 }).filter((value) => value !== 0),
    reason: orNull(letter),
  }),
  request({ at, ...body }, known) {
    const id = idAt(known, 'products', at);
    return { method: 'POST', path: `/api/products/${id}/stock`, id, body };
  },
  outcomes(state, { id = 0, body = {} }, answer) {
    const row = rowOf(state, 'products', id);
    if (!row) return [refusal(state, 'not_found')];
    const before = row.stock as number;
    const stock = before + (body.delta as number);
    if (stock < 0) return [refusal(state, 'insufficient_stock', { available: before })];
    const movement = { delta: body.delta as number, stock, reason: body.reason as string | null };
    const latest = state.movements[id]?.findLast((known) => known.id !== undefined)?.id ?? 0;
    const given = answer.body?.id;
    const next = withChange(state, 'products', id, { stock });
    return [
      {
        status: 201,
        body: { id: given > latest ? given : 'larger than before', product_id: id, ...movement },
        state: withMovement(next, id, { id: given, ...movement }),
      },
    ];
  },
});

const readMovements = operation({
  name: 'movements',
  weight: 2,
  parameters: index,
  request(at, known) {
    const id = idAt(known, 'products', at);
    return { method: 'GET', path: `/api/products/${id}/stock-movements?_sort=id&_limit=250`, id };
  },
  outcomes: (state, { id = 0 }) => [
    rowOf(state, 'products', id)
      ? { status: 200, body: state.movements[id] ?? [], state }
      : refusal(state, 'not_found'),
  ],
});

const resources: ResourceName[] = ['categories', 'products', 'tags'];

/** The table of all that a history is made of. A new route is an entry here, with what the model says of it. */
export const operations: Operation[] = [
  ...resources.flatMap((resource) => [
    create(resource),
    update(resource, 'PUT'),
    update(resource, 'PATCH'),
    remove(resource),
    read(resource),
    list(resource),
  ]),
  changeStock,
  readMovements,
];

export const operationNamed = (name: string): Operation => operations.find((one) => one.name === name) as Operation;

/** All that a resource shows of itself and of the others. What is embedded is read in statements of its own, so only when nobody writes. */
export const wholeList = (resource: ResourceName): Operation =>
  operation({
    ...list(resource),
    name: `all ${resource}`,
    request: (_, known) => ({ method: 'GET', path: listPath(resource, known) }),
    outcomes(state) {
      const body = entriesOf(state, resource).map(([id, row]) => presentedWhole(state, resource, id, row));
      return [{ status: 200, body, state }];
    },
  });
