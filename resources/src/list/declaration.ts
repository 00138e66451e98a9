import type { Database } from '@shop/db/connection/connection.ts';
import type * as z from 'zod';
import type { Binder } from './binder.ts';
import type { ListField } from './field.ts';
import type { ListRequest, SortKey } from './request.ts';

/** A parameter of one resource's lists that is more than a filter on a field, such as a product's `tag_id`. */
export interface ListParameter {
  schema: z.ZodType;
  /** Its condition; absent for one that only changes what others mean. */
  where?(value: never, bind: Binder): string;
  /** Where the ids of the rows that one value leaves stand in their order, if that is an index of another table. */
  ids?: { table: string; column: string; where(value: never, bind: Binder): string };
}

/** What a resource declares of itself; parsing, SQL and OpenAPI of its lists follow from this. */
export interface ListDeclaration {
  table: 'category' | 'product' | 'tag' | 'stock_movement';
  /** The columns that a row is read with. */
  columns: readonly string[];
  fields: Record<string, ListField>;
  parameters?: Record<string, ListParameter>;
  /**
   * The orders that indexes give, each by its fields (or parameters that name one of several rows); the id follows. What is not
   * read in one of them is expensive (`cost.ts`).
   */
  indexes: readonly (readonly string[])[];
  /** The columns of the full-text index that `q` searches; without any, there is no `q`. */
  search: readonly string[];
  /** The order when `_sort` is absent; by id when that is absent, too. */
  sort?: readonly SortKey[];
  /** The associations that are embedded unless `_embed` says otherwise; without any, there is no `_embed`. */
  embeds: readonly string[];
  /** Every field of the answer, by which `_fields` chooses. */
  shape: readonly string[];
  /** Fields that are counted by a statement of their own. */
  counted?: readonly string[];
  /** Looks up what a request needs to know before it can be a statement, such as a category's descendants. */
  prepare?(db: Database, request: ListRequest): Promise<ListRequest>;
}
