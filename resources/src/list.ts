import * as z from 'zod';
import { describedAs } from './fields.ts';

export const defaultLimit = 50;
export const largestLimit = 250;

const notCursor = { message: 'must be a cursor that a Link header gave', params: { code: 'invalid_cursor' } };
const cursorContent = z.tuple([z.enum(['after', 'before']), z.int().min(0)]);

/** Where a page begins: behind or before an id, in the order of ids. */
export interface Cursor {
  direction: 'after' | 'before';
  id: number;
}

const encodeCursor = ({ direction, id }: Cursor): string =>
  Buffer.from(JSON.stringify([direction, id])).toString('base64url');

const cursor = z
  .string()
  .transform((text, context): Cursor => {
    try {
      const [direction, id] = cursorContent.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
      return { direction, id };
    } catch {
      context.addIssue({ code: 'custom', ...notCursor });
      return z.NEVER;
    }
  })
  .meta({ description: 'Opaque; from the `Link` header of a page.', override: { type: 'string' } });

const limit = z
  .string()
  .regex(/^[0-9]{1,9}$/, `must be a whole number from 1 to ${largestLimit}`)
  .transform(Number)
  .refine((value) => value >= 1 && value <= largestLimit, {
    error: `must be a whole number from 1 to ${largestLimit}`,
    params: { code: 'out_of_range', allowed: { minimum: 1, maximum: largestLimit } },
  })
  .meta({
    description: `How many, at most ${largestLimit}; ${defaultLimit} when absent.`,
    override: describedAs({ type: 'integer', minimum: 1, maximum: largestLimit }),
    example: 50,
  });

/** The query parameters of every list. */
export const listQuery = z.strictObject({ _limit: limit.optional(), _cursor: cursor.optional() });

/** One page of a list, as a store is asked for it. */
export interface PageRequest {
  limit: number;
  cursor: Cursor;
}

/** One page of a list, as a store returns it; `more` says whether rows follow in the direction asked for. */
export interface Page<Item> {
  items: Item[];
  more: boolean;
}

export const pageRequest = (query: z.output<typeof listQuery>): PageRequest => ({
  limit: query._limit ?? defaultLimit,
  cursor: query._cursor ?? { direction: 'after', id: 0 },
});

/**
 * The SQL that reads one row more than a page, so as to know whether rows follow: a condition on `column` (with `$1` for
 * the cursor's id) and what comes after it. `finish` turns the rows read into the page.
 */
export function pageSql({ limit: size, cursor: { direction, id } }: PageRequest, column: string) {
  const forward = direction === 'after';
  return {
    where: `${column} ${forward ? '>' : '<'} $1`,
    // Numbers that were parsed as such; MySQL takes no text for them.
    order: `ORDER BY ${column} ${forward ? 'ASC' : 'DESC'} LIMIT ${size + 1}`,
    bind: [id],
    finish<Item>(rows: Item[]): Page<Item> {
      const items = rows.slice(0, size);
      return { items: forward ? items : items.reverse(), more: rows.length > size };
    },
  };
}

/** The `Link` header (RFC 8288) of a page; its references are relative, so they hold behind any proxy. */
export function linkHeader(path: string, request: PageRequest, page: Page<{ id: number }>): string {
  const to = (rel: string, target?: Cursor) => {
    const query = new URLSearchParams({
      _limit: String(request.limit),
      ...(target ? { _cursor: encodeCursor(target) } : {}),
    });
    return `<${path}?${query}>; rel="${rel}"`;
  };
  const forward = request.cursor.direction === 'after';
  const first = page.items[0];
  const last = page.items.at(-1);
  const links = [to('first')];
  const hasPrevious = forward ? request.cursor.id > 0 : page.more;
  const hasNext = forward ? page.more : true;
  if (hasPrevious) links.push(to('prev', { direction: 'before', id: first?.id ?? request.cursor.id + 1 }));
  if (hasNext) links.push(to('next', { direction: 'after', id: last?.id ?? request.cursor.id - 1 }));
  return links.join(', ');
}
