import { DuplicateError, isUnavailable, UnknownReferenceError } from '@shop/db/errors.ts';
import { type ErrorTranslator, Problem, unavailable } from '@shop/service-kit/problem.ts';

/** What the database refused or could not do, as a problem that says nothing of SQL. */
export const translateDatabaseError: ErrorTranslator = (error) => {
  if (error instanceof DuplicateError) {
    const names = error.fields.map(({ field }) => field).join(' and ');
    return new Problem('duplicate', `Another resource has this ${names} already.`, {
      errors: error.fields.map(({ field, id }) => ({
        pointer: `/${field}`,
        code: 'duplicate',
        detail: id === undefined ? 'is taken' : `is taken by ${id}`,
        ...(id === undefined ? {} : { id }),
      })),
    });
  }
  if (error instanceof UnknownReferenceError) {
    return new Problem('unknown_reference', 'The body refers to ids that do not exist.', {
      errors: error.references.map(({ field, ids }) => ({
        pointer: `/${field}`,
        code: 'unknown_reference',
        detail: `refers to ${ids.join(', ')}, which ${ids.length === 1 ? 'does' : 'do'} not exist`,
        ids,
      })),
    });
  }
  if (isUnavailable(error)) return unavailable('The database cannot be reached at the moment.', error);
  return undefined;
};
