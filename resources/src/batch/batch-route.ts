import type { Transaction } from '@shop/db/connection/connection.ts';
import type { VersionCheck } from '@shop/db/resource-table.ts';
import { batchBodyLimit } from '@shop/service-kit/body-limit.ts';
import { itemProblemSchema } from '@shop/service-kit/openapi.ts';
import type { Problem } from '@shop/service-kit/problem.ts';
import type { Route } from '@shop/service-kit/route.ts';
import * as z from 'zod';
import { id } from '../fields.ts';
import type { ResourceDescription } from '../resource.ts';
import type { Expectation } from '../write/precondition.ts';
import { limitTo, type Minimal, minimal, ResponseRoom } from '../write/response-room.ts';
import type { Effects } from '../write/steps.ts';
import { defineWrite, type ServiceContext } from '../write/write.ts';
import { doBatch } from './batch.ts';
import { batchFailed, itemAnswer, outcomesInBody } from './batch-answer.ts';
import {
  batchBody,
  changeWithId,
  documentedBatch,
  mostOperations,
  type Operation,
  parseBatch,
  refuseFaults,
} from './batch-body.ts';

/** What a batch has of the routes of a single resource. */
interface SingleRoutes {
  path: string;
  /** `Product` */
  name: string;
  /** The query of a delete. */
  removalQuery: z.ZodObject;
  missing(id: number): Problem;
  check(transaction: Transaction, id: number, expectation: Expectation): VersionCheck;
}

const query = z.strictObject({
  _on_error: z.enum(['abort', 'continue']).default('abort').meta({
    description:
      'What happens when an operation is refused: `abort` undoes all of them, `continue` undoes that one alone.',
  }),
  _return: z
    .enum(['representation', 'minimal'])
    .default('representation')
    .meta({
      description:
        'What is answered of each resource: all of it, or its `id` and `version` alone. Where all of it would be more than 4 MiB in ' +
        'the whole batch, the answer is `minimal`, and says so by `Preference-Applied: return=minimal`.',
    }),
});

/** A resource whose representation was not asked for, or has no room. */
const minimalShape = z
  .object({ id, version: z.int().min(1), effects: z.record(z.string(), z.int()).optional() })
  .meta({ id: 'Minimal', description: 'What stands for a resource with `_return=minimal`.' });

const answered = (shape: z.ZodType, status: number) =>
  z.array(
    z.union([
      z.object({ status: z.literal(status), resource: z.union([shape, minimalShape]) }),
      z.object({
        status: z.int().meta({ description: 'What the operation alone would have been answered.' }),
        problem: itemProblemSchema,
      }),
    ]),
  );

const wellFormed = <T>(operations: Operation<T>[]): T[] =>
  operations.flatMap((operation) => (operation.faults ? [] : [operation.value]));

/**
 * `POST /api/{resource}/batch`
 * @see docs/decisions/0013-batches.md
 */
export function batchRoute<
  Shape extends z.ZodObject,
  C extends z.ZodType,
  U extends z.ZodObject,
  R extends z.ZodType<{ effects: Effects }>,
>(
  context: ServiceContext,
  resource: ResourceDescription<Shape, C, U, R>,
  { path, name, removalQuery, missing, check }: SingleRoutes,
): Route {
  const { plural, shape, removed, create, update, examples, store } = resource;
  const schemas = { create, update: changeWithId(update, name) };
  return defineWrite(context, {
    method: 'post',
    path: `${path}/batch`,
    operationId: `batch${plural[0]?.toUpperCase()}${plural.slice(1)}`,
    tag: plural,
    summary: `Create, change and delete many ${plural}`,
    description:
      `Up to ${mostOperations} operations in one transaction: first the deletes, then the changes, then what is new, each in the ` +
      'order of the body. Unless `_on_error` says otherwise, all of them are done or none. Answers each operation at its ' +
      'place. A `version` is the one that you read: another one is 409.',
    query,
    body: batchBody,
    documentedBody: documentedBatch(schemas),
    bodyLimit: batchBodyLimit,
    examples: {
      batch: {
        summary: 'One of each',
        value: {
          create: [examples.create],
          update: [{ id: 1, version: 1, ...(examples.update as object) }],
          delete: [2, { id: 3, version: 1 }],
        },
      },
    },
    replies: {
      200: {
        description: 'What became of each operation, in the order of the body.',
        schema: z
          .object({ create: answered(shape, 201), update: answered(shape, 200), delete: answered(removed, 200) })
          .meta({ id: `${name}BatchAnswer` }),
        headers: {
          'Preference-Applied': z.literal('return=minimal').optional().meta({
            description: 'Each resource is answered by its `id` and `version` alone.',
          }),
        },
      },
    },
    problems: ['batch_failed'],
    work: async (transaction, { query: { _on_error, _return }, body }) => {
      const room = new ResponseRoom(_return === 'minimal' ? 0 : undefined);
      limitTo(transaction, room);
      const batch = await parseBatch(body, schemas);
      if (_on_error === 'abort') refuseFaults(batch);
      const checked = ({ id, version }: { id: number; version?: number | undefined }) => ({
        id,
        check: check(transaction, id, { version, required: context.requirePrecondition }),
      });
      // A delete in a batch is one without a query.
      const target = { store, missing, removalQuery: removalQuery.parse({}) };
      const changes = wellFormed(batch.update);
      const outcomes = await doBatch(context, transaction, target, {
        create: wellFormed(batch.create),
        update: changes.map((change) => ({
          ...checked(change as { id: number; version?: number }),
          changes: change as z.output<U>,
        })),
        remove: wellFormed(batch.remove).map(checked),
      });
      const created = outcomesInBody(batch.create, outcomes.create);
      const updated = outcomesInBody(batch.update, outcomes.update);
      const deleted = outcomesInBody(batch.remove, outcomes.remove);
      const all = [...created, ...updated, ...deleted];
      if (_on_error === 'abort' && all.some((outcome) => 'problem' in outcome)) {
        throw batchFailed(all, {
          create: created,
          update: updated.map((outcome, index) => ({ outcome, changes: changes[index] })),
          versions: outcomes.versions,
        });
      }
      const answer = (status: number) => (outcome: (typeof all)[number]) =>
        itemAnswer(
          room.isFull && 'resource' in outcome ? { resource: minimal(outcome.resource as Minimal) } : outcome,
          status,
        );
      return {
        status: 200,
        body: {
          create: created.map(answer(201)),
          update: updated.map(answer(200)),
          delete: deleted.map(answer(200)),
        },
        ...(room.isFull ? { headers: { 'Preference-Applied': 'return=minimal' } } : {}),
      };
    },
  });
}
