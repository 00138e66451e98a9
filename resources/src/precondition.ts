import type { VersionCheck } from '@shop/db/resource-table.ts';
import { type IfMatch, matchesVersion, parseIfMatch } from '@shop/service-kit/etag.ts';
import { Problem } from '@shop/service-kit/problem.ts';
import * as z from 'zod';
import { describedAs } from './fields.ts';

/** The `If-Match` header. */
export const ifMatchHeader = z
  .string()
  .transform((header, context): IfMatch => {
    const parsed = parseIfMatch(header);
    if (parsed) return parsed;
    context.addIssue({
      code: 'custom',
      message: 'must be * or entity tags in double quotes, separated by commas',
      params: { code: 'invalid_format' },
    });
    return z.NEVER;
  })
  .meta({
    description:
      'The `ETag` that you read, of any representation: when the resource is at another version, nothing is changed and the ' +
      'answer is 412. `*` is any version.',
    example: '"1-2jmj7l5rSw0yVb_vlWAY"',
    override: describedAs({ type: 'string' }),
  });

/** What a client expects of the resource that it is about to change. */
export interface Expectation {
  ifMatch?: IfMatch | undefined;
  version?: number | undefined;
  /** A client that expects nothing is refused. */
  required: boolean;
}

/**
 * The check that a store makes of a row once it is locked.
 * @param current reads the whole resource and its entity tag, in the transaction of the write
 * @returns a check that throws 412 or 409 with the resource as it is under `current`, or 428
 */
export function versionCheck(
  { ifMatch, version: expected, required }: Expectation,
  current: () => Promise<{ item: unknown; etag: string }>,
): VersionCheck {
  return async (version) => {
    if (required && ifMatch === undefined && expected === undefined) {
      throw new Problem(
        'precondition_required',
        'Say which version you change: by If-Match, or by version in the body.',
      );
    }
    const isMatched = ifMatch === undefined || matchesVersion(ifMatch, version);
    if (isMatched && (expected === undefined || expected === version)) return;
    const code = isMatched ? 'version_conflict' : 'precondition_failed';
    const { item, etag } = await current();
    throw new Problem(code, `The resource is at version ${version} now.`, {
      errors: [
        {
          ...(isMatched ? { pointer: '/version' } : { header: 'If-Match' }),
          code,
          detail: `is not of version ${version}`,
        },
      ],
      headers: { ETag: etag },
      members: { current: item },
    });
  };
}
