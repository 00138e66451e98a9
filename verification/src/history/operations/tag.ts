import fc from 'fast-check';
import type { HistoryRequest } from '../exchange.ts';
import { expectation, idAt, idsAt, ifMatch, index, indexes, type Known, nobody, operation } from '../operation.ts';
import { presented, refusal, unmet, withoutGone } from '../outcome.ts';
import type { Outcome } from '../state.ts';
import { productsWithTag, type Row, rowOf, type State, withChange, withoutRow, withProducts } from '../state.ts';

/** A request on a tag that is known by its index. */
function onTag(at: number, expects: string, part: string, known: Known) {
  const id = idAt(known, 'tags', at);
  const headers = ifMatch(expects, known.seen.get(`/api/tags/${id}`)?.etag ?? null);
  return { method: 'POST', path: `/api/tags/${id}/${part}`, id, ...headers } as const;
}

/** A tag and what its answer counts. */
const counted = (state: State, id: number, products_tagged: number, products_untagged: number): Outcome => ({
  status: 200,
  body: {
    ...presented('tags', id, rowOf(state, 'tags', id) as Row),
    effects: { products_tagged, products_untagged },
  },
  state,
});

/** The refusals of a request on a tag that refers to others. */
const refusalsOf = (state: State, request: HistoryRequest, row: Row, isKnown: boolean): Outcome[] => [
  ...unmet(state, 'tags', request.id ?? 0, row, request),
  ...(isKnown ? [] : [refusal(state, 'unknown_reference')]),
];

/** `POST /api/tags/:id/products` */
export const changeTagProducts = operation({
  name: 'tag products',
  weight: 4,
  parameters: fc.record({ at: index, add: indexes, remove: indexes, expects: expectation }),
  request({ at, add, remove, expects }, known) {
    const added = idsAt(known, 'products', add);
    const removed = idsAt(known, 'products', remove).filter((id) => !added.includes(id));
    const body = added.length + removed.length > 0 ? { add: added, remove: removed } : { add: [nobody] };
    return { ...onTag(at, expects, 'products', known), body };
  },
  outcomes(state, request) {
    const { add = [], remove = [] } = request.body as { add?: number[]; remove?: number[] };
    const left = withoutGone(state, remove);
    return [
      ...changeOutcomes(state, request, { add, remove }),
      ...(left.length < remove.length ? changeOutcomes(state, request, { add, remove: left }) : []),
    ];
  },
});

/** What may come of giving a tag to products and taking it from others. */
function changeOutcomes(
  state: State,
  request: HistoryRequest,
  { add, remove }: { add: number[]; remove: number[] },
): Outcome[] {
  const { id = 0 } = request;
  const row = rowOf(state, 'tags', id);
  if (!row) return [refusal(state, 'not_found')];
  const isKnown = [...add, ...remove].every((product) => rowOf(state, 'products', product));
  const refusals = refusalsOf(state, request, row, isKnown);
  if (refusals.length > 0) return refusals;
  const linked = productsWithTag(state, id);
  const come = add.filter((product) => !linked.includes(product));
  const gone = remove.filter((product) => linked.includes(product));
  if (come.length + gone.length === 0) return [counted(state, id, 0, 0)];
  const left = linked.filter((product) => !gone.includes(product));
  const next = withChange(withProducts(state, id, [...left, ...come]), 'tags', id, {});
  return [counted(next, id, come.length, gone.length)];
}

/** `POST /api/tags/:id/merge` */
export const mergeTag = operation({
  name: 'merge tags',
  weight: 2,
  parameters: fc.record({ at: index, other: index, expects: expectation }),
  request({ at, other, expects }, known) {
    const request = onTag(at, expects, 'merge', known);
    const into = idAt(known, 'tags', other);
    return { ...request, body: { into: into === request.id ? nobody - 1 : into } };
  },
  outcomes(state, request) {
    const { id = 0, body } = request;
    const { into } = body as { into: number };
    const row = rowOf(state, 'tags', id);
    if (!row) return [refusal(state, 'not_found')];
    const refusals = refusalsOf(state, request, row, rowOf(state, 'tags', into) !== undefined);
    if (refusals.length > 0) return refusals;
    const [gone, linked] = [productsWithTag(state, id), productsWithTag(state, into)];
    const come = gone.filter((product) => !linked.includes(product));
    let next = withoutRow(state, 'tags', id);
    // One change of each product, though it loses one tag and may get another.
    for (const product of gone) {
      const { tagIds } = rowOf(state, 'products', product) as Row & { tagIds: number[] };
      const others = tagIds.filter((tag) => tag !== id && tag !== into);
      next = withChange(next, 'products', product, { tagIds: [...others, into].toSorted((a, b) => a - b) });
    }
    if (come.length > 0) next = withChange(next, 'tags', into, {});
    return [counted(next, into, come.length, gone.length)];
  },
});
