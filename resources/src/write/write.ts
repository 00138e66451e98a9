import type { Database, Transaction } from '@shop/db/connection/connection.ts';
import { isTimeUp } from '@shop/db/errors.ts';
import type { ServiceAccount } from '@shop/db/settings.ts';
import { isCutShort } from '@shop/service-kit/deadline.ts';
import { unavailable } from '@shop/service-kit/problem.ts';
import { defineRoute, type Input, type Output, type Reply, type Route } from '@shop/service-kit/route.ts';
import type { Request } from 'express';
import * as z from 'zod';
import { idempotencyKeyHeader, keptAnswer, keyedRequest, once } from './idempotency.ts';
import { type Expectation, preconditionHeaders, refuseOtherPreconditions } from './precondition.ts';
import { runWrite, type Settlement } from './settlement.ts';
import type { Dependents } from './steps.ts';

/** What every route of a service works with. */
export interface ServiceContext {
  db: Database;
  /** Whose tables its bookkeeping is in. */
  account: ServiceAccount;
  /** Whether a conditional write must say which version it changes. */
  requirePrecondition: boolean;
  /** How many dependents a step changes, for tests. */
  stepSize?: number;
}

/** What the work of a write receives. */
export interface WriteInput<P, Q, B> extends Omit<Input<P, Q, B, unknown>, 'headers'> {
  /** What the client expects of the resource; nothing, for a write that is not `conditional`. */
  expectation: Expectation;
  /** What it does with the dependents; nothing, for a write that has none. */
  settlement: Settlement;
}

/** A write, described like any other route, but for its handler. */
export interface WriteRoute<
  P extends z.ZodObject | undefined,
  Q extends z.ZodObject | undefined,
  B extends z.ZodType | undefined,
> extends Omit<Route<P, Q, B, undefined>, 'handler' | 'headers'> {
  /**
   * Honours `If-Match`, `If-None-Match`, and `version` where the body has it: `work` has to pass `expectation` on to a check. Where it
   * is `optional`, no setting asks for one of them. All other writes refuse them.
   */
  conditional?: boolean | 'optional';
  /**
   * The rows that refer to the resource and have to be changed before it goes. When they are many they are changed ahead, in
   * steps; `work` has to `settle` those that are left.
   */
  dependents?(input: Omit<Input<Output<P>, Output<Q>, Output<B>, unknown>, 'headers'>): Dependents | undefined;
  /**
   * Does everything in the transaction that it is given, and may be run again from the start when another writer stood in its
   * way. What it throws undoes everything.
   */
  work(transaction: Transaction, input: WriteInput<Output<P>, Output<Q>, Output<B>>): Promise<Reply>;
}

const dryRun = z
  .enum(['true', 'false'])
  .optional()
  .meta({ description: 'true: does everything but keep it, and answers what would have happened.' });

const writeHeaders = {
  'Idempotency-Replayed': z.literal('true').optional().meta({
    description: 'Nothing was done: this is the answer of the first request with the same `Idempotency-Key`.',
  }),
  'Dry-Run': z.literal('true').optional().meta({ description: 'Nothing was changed: this was a dry run.' }),
};

/**
 * A route that writes. Its work runs in one transaction, with all that every write has: dry runs, idempotency keys and, when
 * it is `conditional`, preconditions.
 * @see docs/decisions/0007-safe-writes.md
 */
export function defineWrite<
  P extends z.ZodObject | undefined = undefined,
  Q extends z.ZodObject | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
>(
  { db, account, requirePrecondition, stepSize }: ServiceContext,
  { conditional = false, dependents, work, ...route }: WriteRoute<P, Q, B>,
): Route {
  const isConditional = conditional !== false;
  const hasVersion = isConditional && route.body instanceof z.ZodObject && 'version' in route.body.shape;
  const headers = z.object({
    'Idempotency-Key': idempotencyKeyHeader.optional(),
    ...(isConditional ? preconditionHeaders : {}),
  });
  const replies = Object.entries(route.replies).map(([status, reply]) => [
    status,
    { ...reply, headers: { ...reply.headers, ...writeHeaders } },
  ]);
  return defineRoute<P, z.ZodObject, B, z.ZodObject>({
    ...route,
    query: (route.query ?? z.strictObject({})).extend({ _dry_run: dryRun }),
    headers,
    replies: Object.fromEntries(replies),
    problems: [
      ...route.problems,
      'request_in_progress',
      'idempotency_key_reused',
      ...(isConditional ? (['precondition_failed'] as const) : []),
      ...(conditional === true ? (['precondition_required'] as const) : []),
      ...(hasVersion ? (['version_conflict'] as const) : []),
    ],
    handler: async ({ headers, ...input }) => {
      refuseOtherPreconditions(input.request, isConditional);
      const { _dry_run, ...query } = input.query;
      const expectation: Expectation = {
        ifMatch: headers['If-Match'] as Expectation['ifMatch'],
        ifNoneMatch: headers['If-None-Match'] as Expectation['ifNoneMatch'],
        version: hasVersion ? (input.body as { version?: number }).version : undefined,
        required: requirePrecondition && conditional === true,
      };
      const key = headers['Idempotency-Key'];
      const keyed = key === undefined ? undefined : keyedRequest(account, String(key), input.request);
      const isDryRun = _dry_run === 'true';
      const given = { ...input, query: query as Output<Q> };
      const reply = await inItsTime(input.request, () =>
        runWrite({
          db,
          stepSize,
          dependents: dependents?.(given),
          dryRun: isDryRun,
          isRepeatable: keyed !== undefined,
          kept: keyed && ((transaction) => keptAnswer(db, transaction, keyed)),
          wrap: (transaction, done) => (keyed ? once(db, transaction, keyed, done) : done()),
          work: (transaction, settlement) => work(transaction, { ...given, expectation, settlement }),
        }),
      );
      return isDryRun ? { ...reply, headers: { ...reply.headers, 'Dry-Run': 'true' } } : reply;
    },
  });
}

/** Says of a write that had less than its time, because others wait for it, that it can be tried again. */
async function inItsTime(request: Request, work: () => Promise<Reply>): Promise<Reply> {
  try {
    return await work();
  } catch (error) {
    if (!isTimeUp(error) || !isCutShort(request)) throw error;
    throw unavailable('The body is large, and there was not enough time for it. Nothing was changed.', error);
  }
}
