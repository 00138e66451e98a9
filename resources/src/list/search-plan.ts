import type { Database } from '@shop/db/connection/connection.ts';
import { type QueryTerm, queryTerms } from '@shop/db/search/terms.ts';
import type { Position } from './cursor.ts';
import type { ListDeclaration } from './declaration.ts';
import { isFew, isNarrowed, walkOf } from './index-order.ts';
import type { ListRequest, SearchPlan } from './request.ts';
import { countOf, type TermSample, termSample } from './term-sample.ts';

/**
 * Microseconds of the database's processor, about, on a server that has few of its pages in memory: for each row that has a term
 * which the index is asked for (very many words may have a beginning that is asked for), each row that has all of them, each of these
 * whose own row is read as well, and each row that is looked through from one end of the table of terms to the other.
 */
const costs = { posting: 0.6, prefixPosting: 4, match: 30, row: 80, looked: 1 };
/** What a search may cost so that its rows are ranked or sorted, where they could be looked through in order instead. */
export const planBounds = { mostCost: 100_000 };
/** Terms that are estimated; a search of more is told from others by these. */
const mostEstimated = 16;

/**
 * How a search is carried out. `index`: rows that few terms, or few ids, leave are found, and then narrowed, sorted and counted as is
 * asked for. `walk`: rows are looked through in the order of the list, and a page ends in time. `all`: every row is looked at.
 */
export type SearchRoute = 'index' | 'walk' | 'all';

export function routeOf(declaration: ListDeclaration, request: ListRequest): SearchRoute {
  const { search, plan, window, count } = request;
  if (plan?.isCostly) return 'all';
  if (plan === undefined || plan.indexed.length > 0 || isFew(declaration, request)) return 'index';
  if (queryTerms(search ?? '').length === 0) return 'index';
  return window.kind === 'cursor' && !count && walkOf(declaration, request) ? 'walk' : 'all';
}

/** What a plan depends on besides the words. */
interface PlanNeeds {
  /** Whether the rows can be looked through in the order of the list instead. */
  canWalk: boolean;
  /** Whether each match is read in its resource's own table. */
  readsRows: boolean;
}

/**
 * Asks the index for the rarest terms, for as many as make it cheapest: to tell which rows have two terms costs it a fraction of what
 * it costs to read those that have one. For none where that is too much, and walking is not.
 */
export function planOf(sample: TermSample, terms: QueryTerm[], { canWalk, readsRows }: PlanNeeds): SearchPlan {
  const size = Math.max(1, sample.texts.length);
  // What no row of the sample has, half a row of it might have had.
  const rowsWith = (some: QueryTerm[]) => (Math.max(countOf(sample, some), 0.5) / size) * sample.rows;
  const byRows = terms
    .slice(0, mostEstimated)
    .map((term) => ({ term, rows: rowsWith([term]) }))
    .toSorted((a, b) => a.rows - b.rows);
  let best: { indexed: QueryTerm[]; cost: number } = { indexed: [], cost: Number.POSITIVE_INFINITY };
  let postings = 0;
  for (const [index, { term, rows }] of byRows.entries()) {
    postings += rows * (term.prefix ? costs.prefixPosting : costs.posting);
    if (postings > best.cost) break;
    const indexed = byRows.slice(0, index + 1).map(({ term }) => term);
    const cost = postings + rowsWith(indexed) * (readsRows ? costs.row : costs.match);
    if (cost < best.cost) best = { indexed, cost };
  }
  if (best.cost <= planBounds.mostCost) return { indexed: best.indexed };
  if (canWalk || best.cost > sample.rows * costs.looked) return { indexed: [] };
  return { indexed: best.indexed, isCostly: true };
}

/**
 * A request with the plan of its search. A page behind a cursor has the order of the first page of its list, whatever a later
 * sample says: that of relevance has two keys, the score and the id, and the other the id alone.
 */
export async function planned(
  db: Database,
  declaration: ListDeclaration,
  request: ListRequest,
  position?: Position,
): Promise<ListRequest> {
  const { search, sort, window, count } = request;
  if (search === undefined) return request;
  const terms = queryTerms(search);
  const isByRelevance = sort.length === 0;
  if (terms.length === 0 || isFew(declaration, request) || (isByRelevance && position?.values.length === 1)) {
    return { ...request, plan: { indexed: [] } };
  }
  const sample = await termSample(db, declaration.table);
  if (sample === 'small') return { ...request, plan: { indexed: terms } };
  const needs = {
    canWalk: window.kind === 'cursor' && !count && walkOf(declaration, request) !== undefined,
    readsRows: !isByRelevance || isNarrowed(declaration, request),
  };
  const plan = sample ? planOf(sample, terms, needs) : { indexed: [] };
  // Ranked once, ranked to the end, though the words have become more frequent since.
  if (isByRelevance && position && plan.indexed.length === 0) {
    return { ...request, plan: { indexed: terms, isCostly: true } };
  }
  return { ...request, plan };
}
