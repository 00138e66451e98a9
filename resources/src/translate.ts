import {
  contradictsSchema,
  DuplicateError,
  isConflict,
  isOutOfMemory,
  isTimeUp,
  isUnavailable,
  OutcomeUnknownError,
  QueueFullError,
  StockRangeError,
  takesNoWrites,
  UnknownReferenceError,
} from '@shop/db/errors.ts';
import { type ErrorTranslator, Problem, unavailable } from '@shop/service-kit/problem.ts';
import { validationProblem } from '@shop/service-kit/validation.ts';

/** How many ids that do not exist are named of a field, which may have 10,000. */
const mostIds = 100;

const namesOf = (ids: number[]): string =>
  ids.slice(0, mostIds).join(', ') + (ids.length > mostIds ? ` and ${ids.length - mostIds} more` : '');

/** What the database refused or could not do, as a problem that says nothing of SQL. */
export const translateDatabaseError: ErrorTranslator = (error) => {
  if (error instanceof DuplicateError) {
    const names = error.fields.map(({ field }) => field).join(' and ');
    return new Problem('duplicate', `Another resource already has this ${names}.`, {
      errors: error.fields.map(({ field, id }) => ({
        pointer: `/${field}`,
        code: 'duplicate',
        detail: id === undefined ? 'is taken' : `is taken by ${id}`,
        ...(id === undefined ? {} : { id }),
      })),
    });
  }
  if (error instanceof UnknownReferenceError) {
    const missing = error.references.map(({ field, ids }) => ({
      field,
      ids: ids.slice(0, mostIds),
      detail: `refers to ${namesOf(ids)}, which ${ids.length === 1 ? 'does' : 'do'} not exist`,
    }));
    return new Problem('unknown_reference', `${missing.map(({ field, detail }) => `${field} ${detail}`).join('; ')}.`, {
      errors: missing.map(({ field, ...rest }) => ({ pointer: `/${field}`, code: 'unknown_reference', ...rest })),
    });
  }
  if (error instanceof StockRangeError) return stockProblem(error);
  if (isOutOfMemory(error)) {
    return unavailable('The database has too little memory for this request. Nothing was changed.', error);
  }
  if (takesNoWrites(error)) return unavailable('The database is accepting no writes at the moment.', error);
  if (isTimeUp(error)) {
    return new Problem('upstream_timeout', 'The request exceeded its deadline. Nothing was changed.', {
      cause: error,
    });
  }
  if (error instanceof QueueFullError) return unavailable('Too many requests are waiting for the database.', error);
  if (error instanceof OutcomeUnknownError) {
    return unavailable(
      'The connection to the database was lost during the commit; the change may or may not have been applied. Read the resource to find out. (A request with an Idempotency-Key can be repeated.)',
      error,
    );
  }
  if (contradictsSchema(error)) {
    return unavailable('The database schema lacks something that this request needs. Nothing was changed.', error);
  }
  if (isConflict(error))
    return unavailable('A row is locked by another request. Nothing was changed. Try again.', error);
  if (isUnavailable(error)) return unavailable('The database cannot be reached at the moment.', error);
  return undefined;
};

/** Taking more than there is meets the state of the product; adding more than fits is a value that is too large. */
function stockProblem({ delta, available, largest }: StockRangeError): Problem {
  if (delta < 0) {
    return new Problem('insufficient_stock', `${available} in stock, ${-delta} requested.`, {
      errors: [
        {
          pointer: '/delta',
          code: 'insufficient_stock',
          detail: `must be at least ${-available}`,
          allowed: { minimum: -available },
        },
      ],
      members: { available },
    });
  }
  const maximum = largest - available;
  return validationProblem([
    {
      pointer: '/delta',
      code: 'too_large',
      detail: `must be at most ${maximum}, for a stock of at most ${largest}`,
      allowed: { maximum },
    },
  ]);
}
