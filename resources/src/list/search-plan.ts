import type { Database } from '@shop/db/connection/connection.ts';
import { type QueryTerm, queryTerms } from '@shop/db/search/terms.ts';
import type { Position } from './cursor.ts';
import type { ListDeclaration } from './declaration.ts';
import type { ListRequest, SearchPlan } from './request.ts';
import { countOf, type TermSample, termSample } from './term-sample.ts';

/** Up to so many rows, and one in so many, the index is asked whatever it costs to go without: they can be ranked. */
const fewRows = 4_000;
const oneIn = 10;
/** Beyond so many rows it is never asked: it takes longer than a search may. */
const mostRows = 12_000;
/** How many rows can be looked through in the time in which the index gives one, and it is read. */
const rowsPerMatch = 12;
/** Terms that are estimated; a search of more is told from others by these. */
const mostEstimated = 16;

/** Asks the index for the rarest term alone, or looks through the rows where that is common: whichever is cheaper. */
export function planOf(sample: TermSample, terms: QueryTerm[], pageSize: number): SearchPlan {
  const estimated = terms.slice(0, mostEstimated);
  const rowsWith = (some: QueryTerm[]) => (countOf(sample, some) / Math.max(1, sample.texts.length)) * sample.rows;
  const counted = estimated.map((term) => ({ term, rows: rowsWith([term]) })).toSorted((a, b) => a.rows - b.rows);
  const rarest = counted[0];
  if (!rarest) return { indexed: [] };
  if (rarest.rows <= Math.min(fewRows, sample.rows / oneIn)) return { indexed: [rarest.term] };
  if (rarest.rows > mostRows) return { indexed: [] };
  // What no row of the sample has, half a row of it might have had.
  const least = (0.5 / Math.max(1, sample.texts.length)) * sample.rows;
  const density = Math.max(rowsWith(estimated), least) / Math.max(1, sample.rows);
  return { indexed: rarest.rows * rowsPerMatch <= pageSize / density ? [rarest.term] : [] };
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
  if (request.search === undefined) return request;
  const terms = queryTerms(request.search);
  const sample = await termSample(db, declaration.table);
  const isByRelevance = request.sort.length === 0;
  const isRanked = position?.values.length === 2;
  if (isByRelevance && position && !isRanked) return { ...request, plan: { indexed: [] } };
  if (!sample || terms.length === 0) return { ...request, plan: { indexed: terms } };
  const plan = planOf(sample, terms, request.window.limit + 1);
  // Ranked once, ranked to the end: by any term that is not in all rows.
  if (isByRelevance && isRanked && plan.indexed.length === 0) return { ...request, plan: { indexed: terms } };
  return { ...request, plan };
}

/** Whether a list is in the order of ids, because its search finds too many rows to rank them. */
export const isScan = ({ search, sort, plan }: ListRequest): boolean =>
  search !== undefined && sort.length === 0 && plan !== undefined && plan.indexed.length === 0;
