import type { QueryTerm } from '@shop/db/search/terms.ts';
import type { FieldValue, Operator } from './field.ts';

/** A condition on a field: `=`, `_ne` any of several values, the others one. */
export interface Filter {
  field: string;
  operator: Operator;
  values: FieldValue[];
}

export interface SortKey {
  field: string;
  descending: boolean;
}

/** How much of the list: from a cursor on, or by offset. */
export type Window =
  | { kind: 'cursor'; limit: number; cursor?: string }
  | { kind: 'offset'; start: number; limit: number };

/**
 * Which of the terms of a search the full-text index is asked for. All others are looked for in the terms of the rows that this
 * finds; with none, in those of other rows, one after the other.
 */
export interface SearchPlan {
  indexed: QueryTerm[];
  /** Very many rows have them. */
  isCostly?: boolean;
}

/** A list as it is asked for. */
export interface ListRequest {
  filters: Filter[];
  /** The parsed values of the declaration's own parameters. */
  parameters: Record<string, unknown>;
  search: string | undefined;
  /** How the search is carried out; by asking the full-text index for all terms, when absent. */
  plan?: SearchPlan;
  /** Total: the id is always the last key. Empty for relevance. */
  sort: SortKey[];
  window: Window;
  count: boolean;
  selection: Selection;
  /** The parameters as they came, for links to other pages. */
  raw: [string, string][];
}

/** Which associations and which fields of a resource are asked for. */
export interface Selection {
  embed: ReadonlySet<string>;
  /** All of them when undefined. */
  fields: ReadonlySet<string> | undefined;
}
