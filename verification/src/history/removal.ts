import type { HistoryRequest } from './exchange.ts';
import { duplicates, presented, refusal, unmet } from './outcome.ts';
import type { Outcome } from './state.ts';
import {
  entriesOf,
  productsWithTag,
  type ResourceName,
  type Row,
  rowOf,
  type State,
  tagIdsOf,
  withChange,
  withoutRow,
  withProducts,
} from './state.ts';

/** What comes of a deletion that nothing else refuses: what goes with the resource, and what the answer counts. */
interface Removal {
  state: State;
  effects: object;
  refusals?: Outcome[];
}

/** What becomes of the products of a category, by the `products` of the query. */
function removeCategory(state: State, id: number, row: Row, query: URLSearchParams): Removal {
  const [policy, target] = (query.get('products') ?? 'detach').split(':');
  const to = target === undefined ? null : Number(target);
  const children = entriesOf(state, 'categories').filter(([, child]) => child.parent_id === id);
  const products = entriesOf(state, 'products').filter(([, product]) => product.category_id === id);
  let next = withoutRow(state, 'categories', id);
  for (const [child] of children) next = withChange(next, 'categories', child, { parent_id: row.parent_id });
  for (const [product] of products) {
    next =
      policy === 'delete'
        ? withoutRow(next, 'products', product)
        : withChange(next, 'products', product, { category_id: to });
  }
  const links = products.reduce((sum, [, product]) => sum + tagIdsOf(product).length, 0);
  const refusals = [
    ...(policy === 'reject' && products.length > 0 ? [refusal(state, 'category_not_empty')] : []),
    ...(to !== null && !rowOf(state, 'categories', to) ? [refusal(state, 'unknown_reference')] : []),
  ];
  const effects = {
    children_moved: children.length,
    products_detached: policy === 'detach' ? products.length : 0,
    products_reassigned: policy === 'reassign' ? products.length : 0,
    products_deleted: policy === 'delete' ? products.length : 0,
    tags_detached: policy === 'delete' ? links : 0,
  };
  return { state: next, effects, refusals };
}

const removals: Record<ResourceName, (state: State, id: number, row: Row, query: URLSearchParams) => Removal> = {
  categories: removeCategory,
  products: (state, id, row) => ({
    state: withoutRow(state, 'products', id),
    effects: { tags_detached: tagIdsOf(row).length },
  }),
  tags: (state, id) => ({
    state: withoutRow(withProducts(state, id, []), 'tags', id),
    effects: { products_untagged: productsWithTag(state, id).length },
  }),
};

/** What may come of a DELETE. */
export function removeOutcomes(resource: ResourceName, state: State, request: HistoryRequest): Outcome[] {
  const { id = 0, path } = request;
  const row = rowOf(state, resource, id);
  if (!row) return [refusal(state, 'not_found')];
  const query = new URLSearchParams(path.split('?')[1]);
  const { state: next, effects, refusals: own = [] } = removals[resource](state, id, row, query);
  const clashes = entriesOf(next, resource).some(([self, each]) => duplicates(next, resource, self, each).length > 0);
  const refusals = [
    ...own,
    ...unmet(state, resource, id, row, request),
    ...(clashes ? [refusal(state, 'duplicate')] : []),
  ];
  if (refusals.length > 0) return refusals;
  return [{ status: 200, body: { ...presented(resource, id, row), effects }, state: next }];
}
