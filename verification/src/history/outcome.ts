import { isDeepStrictEqual } from 'node:util';
import { stockReasons } from '@shop/catalogue/stock-ledger.ts';
import { type ProblemCode, problemCatalogue } from '@shop/service-kit/problem-catalogue.ts';
import type { HistoryAnswer, HistoryRequest } from './exchange.ts';
import {
  entriesOf,
  type Outcome,
  type ResourceName,
  type Row,
  rowOf,
  type State,
  tagIdsOf,
  withChange,
  withMovement,
  withProducts,
  withRow,
} from './state.ts';

/** What the model knows of a resource. The server chooses the slug and the position of a new one that names none. */
interface ResourceModel {
  name: string;
  /** What a new one has where its body does not say; `undefined` is for the server to choose. */
  initial: Record<string, unknown>;
  /** Fields that are together unlike those of any other, unless the first is null. */
  unique: string[][];
  references: Record<string, ResourceName>;
}

const models: Record<ResourceName, ResourceModel> = {
  categories: {
    name: 'category_name',
    initial: { category_name: '', slug: undefined, description: null, parent_id: null, position: undefined },
    unique: [['slug'], ['category_name', 'parent_id']],
    references: { parent_id: 'categories' },
  },
  products: {
    name: 'product_name',
    initial: {
      product_name: '',
      slug: undefined,
      sku: null,
      description: null,
      status: 'active',
      price: 0,
      stock: 10,
      category_id: null,
      metadata: {},
      tagIds: [],
    },
    unique: [['slug'], ['sku']],
    references: { category_id: 'categories', tagIds: 'tags' },
  },
  tags: {
    name: 'tag_name',
    initial: { tag_name: '', slug: undefined },
    unique: [['slug'], ['tag_name']],
    references: { productIds: 'products' },
  },
};

/** The field that holds a resource's name. */
export const nameField = (resource: ResourceName): string => models[resource].name;

export const refusal = (state: State, code: ProblemCode, members: object = {}): Outcome => ({
  status: problemCatalogue[code].status,
  body: { code, ...members },
  state,
});

/** A resource as it is answered, as far as it is its own: what is embedded in it by id. */
export function presented(resource: ResourceName, id: number, { tagIds, ...row }: Row): Record<string, unknown> {
  if (resource !== 'products') return { id, ...row };
  const category = row.category_id === null ? null : { id: row.category_id };
  return { id, ...row, category, tags: (tagIds as number[]).map((tagId) => ({ id: tagId })) };
}

/** A resource with what it has of others, as a list shows it when nobody writes. */
export function presentedWhole(state: State, resource: ResourceName, id: number, row: Row): Record<string, unknown> {
  if (resource === 'products') return presented(resource, id, row);
  const isIn = (product: Row) => (resource === 'tags' ? tagIdsOf(product).includes(id) : product.category_id === id);
  const products = entriesOf(state, 'products').flatMap(([productId, product]) =>
    isIn(product) ? [{ id: productId, version: product.version }] : [],
  );
  return { ...presented(resource, id, row), product_count: products.length, products };
}

/** The fields of a body that are the resource's own, as a row holds them. */
function ownFields(resource: ResourceName, body: Record<string, unknown>): Record<string, unknown> {
  const own = Object.entries(body).filter(([field]) => field in models[resource].initial);
  return Object.fromEntries(
    own.map(([field, value]) => [field, field === 'tagIds' ? (value as number[]).toSorted((a, b) => a - b) : value]),
  );
}

/** The refusal of a body that refers to what is not there. */
export function unknownReferences(state: State, resource: ResourceName, body: Record<string, unknown>): Outcome[] {
  const isUnknown = ([field, target]: [string, ResourceName]) =>
    [body[field] ?? []].flat().some((id) => rowOf(state, target, id as number) === undefined);
  return Object.entries(models[resource].references).some(isUnknown) ? [refusal(state, 'unknown_reference')] : [];
}

/** The refusal of a row that has what another has. */
export function duplicates(state: State, resource: ResourceName, self: number | undefined, row: Row): Outcome[] {
  const others = entriesOf(state, resource).filter(([id]) => id !== self);
  const isTaken = (fields: string[]) =>
    (row[fields[0] as string] ?? null) !== null &&
    others.some(([, other]) => fields.every((field) => other[field] === row[field]));
  return models[resource].unique.some(isTaken) ? [refusal(state, 'duplicate')] : [];
}

/** Whether a category is another, or somewhere below it. */
function isWithin(state: State, id: number | null, ancestor: number): boolean {
  if (id === ancestor) return true;
  const row = id === null ? undefined : rowOf(state, 'categories', id);
  return row !== undefined && isWithin(state, row.parent_id as number | null, ancestor);
}

/** What `If-Match` and `version` have against a change. */
export function unmet(state: State, resource: ResourceName, id: number, row: Row, request: HistoryRequest): Outcome[] {
  const current = { current: presented(resource, id, row) };
  const ifMatch = request.headers?.['If-Match'] ?? '*';
  const { version = row.version } = request.body ?? {};
  return [
    ...(ifMatch === '*' || Number(/^"(\d+)/.exec(ifMatch)?.[1]) === row.version
      ? []
      : [refusal(state, 'precondition_failed', current)]),
    ...(version === row.version ? [] : [refusal(state, 'version_conflict', current)]),
  ];
}

/** What may come of a create: one of the refusals that apply, or what was asked for. */
export function createOutcomes(
  resource: ResourceName,
  state: State,
  { body = {} }: HistoryRequest,
  answer: HistoryAnswer,
): Outcome[] {
  const given: Row = { ...models[resource].initial, ...ownFields(resource, body), version: 1 };
  const refusals = [...unknownReferences(state, resource, body), ...duplicates(state, resource, undefined, given)];
  if (refusals.length > 0) return refusals;
  // In a batch that was undone nobody is told the slug; the first choice is that of the name.
  const { slug = String(body[nameField(resource)]).replaceAll(' ', '-'), position = null } = answer.body ?? {};
  const row = {
    ...given,
    slug: given.slug ?? slug,
    ...('position' in given ? { position: given.position ?? position } : {}),
  } as Row;
  const { id } = answer.body ?? {};
  const isNew = rowOf(state, resource, id) === undefined && duplicates(state, resource, id, row).length === 0;
  const shown = isNew ? presented(resource, id, row) : { id: 'that of no other', slug: 'that of no other' };
  let next = withRow(state, resource, id, row);
  if (resource === 'products') next = withStock(next, id, 0, row.stock as number, stockReasons.create);
  if (body.productIds) next = withProducts(next, id, body.productIds as number[]);
  return [{ status: 201, body: shown, state: next }];
}

/** Where a write has set a stock, the ledger says so. */
const withStock = (state: State, id: number, before: number, after: number, reason: string): State =>
  withMovement(state, id, { delta: after - before, stock: after, reason });

/** What may come of a PUT or PATCH. */
export function updateOutcomes(resource: ResourceName, state: State, request: HistoryRequest): Outcome[] {
  const { productIds } = (request.body ?? {}) as { productIds?: number[] };
  const strictly = strictUpdateOutcomes(resource, state, request);
  if (!productIds?.some((id) => state.gone.includes(id))) return strictly;
  const left = { ...request.body, productIds: withoutGone(state, productIds) };
  return [...strictly, ...strictUpdateOutcomes(resource, state, { ...request, body: left })];
}

/**
 * A tag's write looks whether its products are there before it locks those whose links change. A product that is deleted in
 * between, by somebody else, may be refused as unknown or be as if it had not been named.
 */
export const withoutGone = (state: State, productIds: number[]): number[] =>
  productIds.filter((id) => !state.gone.includes(id));

function strictUpdateOutcomes(resource: ResourceName, state: State, request: HistoryRequest): Outcome[] {
  const { id = 0, body = {} } = request;
  const row = rowOf(state, resource, id);
  if (!row) return [refusal(state, 'not_found')];
  const changed = Object.entries(ownFields(resource, body)).filter(
    ([field, value]) => !isDeepStrictEqual(value, row[field]),
  );
  const changes = Object.fromEntries(changed);
  const isCycle = resource === 'categories' && isWithin(state, (changes.parent_id as number | undefined) ?? null, id);
  const refusals = [
    ...unmet(state, resource, id, row, request),
    ...unknownReferences(state, resource, body),
    ...(isCycle ? [refusal(state, 'category_cycle')] : []),
    ...duplicates(state, resource, id, { ...row, ...changes }),
  ];
  if (refusals.length > 0) return refusals;
  let next = body.productIds ? withProducts(state, id, body.productIds as number[]) : state;
  if (changed.length > 0 || next !== state) next = withChange(next, resource, id, changes);
  if (resource === 'products') {
    const { stock } = row as { stock?: number };
    next = withStock(next, id, stock ?? 0, (changes.stock as number | undefined) ?? stock ?? 0, stockReasons.update);
  }
  return [{ status: 200, body: presented(resource, id, rowOf(next, resource, id) as Row), state: next }];
}
