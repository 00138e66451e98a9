import type { VersionCheck } from '@shop/db/resource-table.ts';
import { matchesVersion, matchesVersionWeakly, type NamedTags, parseTags } from '@shop/service-kit/etag.ts';
import { type Fault, Problem } from '@shop/service-kit/problem.ts';
import { validationProblem } from '@shop/service-kit/validation.ts';
import type { Request } from 'express';
import * as z from 'zod';
import { describedAs } from '../fields.ts';

const tagsHeader = (description: string, example: string) =>
  z
    .string()
    .transform((header, context): NamedTags => {
      const parsed = parseTags(header);
      if (parsed) return parsed;
      context.addIssue({
        code: 'custom',
        message: 'must be * or entity tags in double quotes, separated by commas',
        params: { code: 'invalid_format' },
      });
      return z.NEVER;
    })
    .optional()
    .meta({ description, example, override: describedAs({ type: 'string' }) });

/** The headers by which a client says what it expects of the resource. */
export const preconditionHeaders = {
  'If-Match': tagsHeader(
    'The `ETag` that you read, of any representation: when the resource is at another version, nothing is changed and the ' +
      'answer is 412. `*` is any version. A weak tag (`W/`) never matches.',
    '"1-2jmj7l5rSw0yVb_vlWAY"',
  ),
  'If-None-Match': tagsHeader(
    'An `ETag` of a version that is not to be changed: when the resource is at that version, nothing is changed and the answer is ' +
      '412. `*` is any version.',
    '"1-2jmj7l5rSw0yVb_vlWAY"',
  ),
};

/**
 * Refuses the preconditions that a write does not look at: none is ignored.
 * @param conditional whether it looks at those of {@link preconditionHeaders}
 * @throws {Problem} 400
 */
export function refuseOtherPreconditions(request: Request, conditional: boolean): void {
  const refused: Record<string, string> = {
    'If-Unmodified-Since': 'is not supported, as two changes can have the same second: use If-Match',
    ...(conditional
      ? {}
      : {
          'If-Match': 'is not supported here, where no single resource is changed',
          'If-None-Match': 'is not supported here, where no single resource is changed',
        }),
  };
  const faults: Fault[] = Object.entries(refused).flatMap(([header, detail]) =>
    request.get(header) === undefined ? [] : [{ header, code: 'unsupported_precondition', detail }],
  );
  if (faults.length > 0) throw validationProblem(faults);
}

/** What a client expects of the resource that it is about to change. */
export interface Expectation {
  ifMatch?: NamedTags | undefined;
  ifNoneMatch?: NamedTags | undefined;
  version?: number | undefined;
  /** A client that expects nothing is refused. */
  required: boolean;
}

/** What a resource at `version` has against being changed. */
function unmet({ ifMatch, ifNoneMatch, version: expected }: Expectation, version: number): Fault | undefined {
  if (ifMatch !== undefined && !matchesVersion(ifMatch, version)) {
    const detail = matchesVersionWeakly(ifMatch, version)
      ? 'is a weak tag (W/), which allows no change: send the one that you read without W/'
      : `does not match version ${version}`;
    return { header: 'If-Match', code: 'precondition_failed', detail };
  }
  if (ifNoneMatch !== undefined && matchesVersionWeakly(ifNoneMatch, version)) {
    const detail = `${ifNoneMatch === '*' ? 'is any version' : 'names a version'}, and the resource is at version ${version}`;
    return { header: 'If-None-Match', code: 'precondition_failed', detail };
  }
  if (expected === undefined || expected === version) return undefined;
  return { pointer: '/version', code: 'version_conflict', detail: `does not match version ${version}` };
}

/**
 * The check that a store makes of a row once it is locked.
 * @param current reads the whole resource and its entity tag, in the transaction of the write
 * @returns a check that throws 412 or 409 with the resource as it is under `current`, or 428
 */
export function versionCheck(
  expectation: Expectation,
  current: () => Promise<{ item: unknown; etag: string }>,
): VersionCheck {
  return async (version) => {
    const { required, ifMatch, version: expected } = expectation;
    if (required && ifMatch === undefined && expected === undefined) {
      throw new Problem(
        'precondition_required',
        'Send the version that you change: as If-Match, or as version in the body.',
      );
    }
    const fault = unmet(expectation, version);
    if (!fault) return;
    const { item, etag } = await current();
    throw new Problem(fault.code as 'version_conflict', `The resource is now at version ${version}.`, {
      errors: [fault],
      headers: { ETag: etag },
      members: { current: item },
    });
  };
}
