import type { Transaction } from '@shop/db/connection/connection.ts';
import type { VersionCheck } from '@shop/db/resource-table.ts';
import { matchesNone } from '@shop/service-kit/etag.ts';
import { mergePatch } from '@shop/service-kit/media-types.ts';
import { type Fault, Problem } from '@shop/service-kit/problem.ts';
import { defineRoute, type ReplyShape, type Route } from '@shop/service-kit/route.ts';
import * as z from 'zod';
import { batchRoute } from './batch/batch-route.ts';
import { expectedVersion, ignored, pathId } from './fields.ts';
import { listQuery, listRequest, selectionOf, selectionParameters } from './list/query.ts';
import type { ResourceDescription } from './resource.ts';
import type { ResourceStore } from './resource-store.ts';
import { type Expectation, versionCheck } from './write/precondition.ts';
import type { Effects } from './write/steps.ts';
import { defineWrite, type ServiceContext } from './write/write.ts';

const params = z.object({ id: pathId });

/** A body may repeat the id of its resource, but not name another. */
function sameId({ params, body }: { params: Record<string, unknown>; body: unknown }): Fault[] {
  const given = (body as { id?: unknown } | null | undefined)?.id;
  const { data: id } = pathId.safeParse(params.id);
  if (given === undefined || id === undefined || given === id || given === String(id)) return [];
  return [{ pointer: '/id', code: 'id_mismatch', detail: `must be ${id}, the id in the path`, allowed: [id] }];
}

/** What a delete can be told in a body, which it can do without. */
const removalBody = z.strictObject({ id: ignored, version: expectedVersion }).meta({
  id: 'Removal',
  description: 'What is to be deleted, and nothing else; at most 1 KiB.',
});

const missing = (singular: string, id: number): Problem => new Problem('not_found', `There is no ${singular} ${id}.`);

/** @throws {Problem} 404 for a resource that is undefined */
export function orMissing<T>(singular: string, id: number, item: T | undefined): T {
  if (item === undefined) throw missing(singular, id);
  return item;
}

/** Makes the check of what a client expects of a resource, by what its store reads. */
export const checkOf =
  <Item>(
    singular: string,
    store: { read: ResourceStore<Item, never, never, never>['read']; etag(item: Item): string },
  ) =>
  (transaction: Transaction, id: number, expectation: Expectation): VersionCheck =>
    versionCheck(expectation, async () => {
      const item = orMissing(singular, id, await store.read(transaction, id));
      return { item, etag: store.etag(item) };
    });

/**
 * The seven routes that every resource has: list, one, create, two ways to update (the same merge), delete, and a batch of these.
 * @see docs/decisions/0003-resources-package.md
 */
export function crudRoutes<
  Shape extends z.ZodObject,
  C extends z.ZodType,
  U extends z.ZodObject,
  R extends z.ZodType<{ effects: Effects }>,
>(context: ServiceContext, resource: ResourceDescription<Shape, C, U, R>): Route[] {
  const { singular, plural, shape, store } = resource;
  const { query: removalQuery = z.strictObject({}), crossCheck = () => [], problems = [] } = resource.removal ?? {};
  const path = `/api/${plural}`;
  const name = singular[0]?.toUpperCase() + singular.slice(1);
  const names = plural[0]?.toUpperCase() + plural.slice(1);
  const etag = z.string().meta({ description: 'The entity tag that a GET would have now, for the next `If-Match`.' });
  const one: ReplyShape = { description: `The ${singular}.`, schema: shape, headers: { ETag: etag } };
  // With `_embed` or `_fields`, whatever was not asked for is missing.
  const selected = z.union([
    shape,
    shape.partial().meta({ id: `${name}Part`, description: `Some fields of a ${singular}.` }),
  ]);
  const query = listQuery(resource.list);
  const selection = z.strictObject(selectionParameters(resource.list));

  const check = checkOf(singular, store);

  const update = (method: 'put' | 'patch') =>
    defineWrite(context, {
      conditional: true,
      method,
      path: `${path}/:id`,
      operationId: `${method === 'put' ? 'update' : 'patch'}${name}`,
      tag: plural,
      summary: `Change a ${singular}`,
      description:
        'PUT and PATCH do the same: a field that is absent stays, null clears it, a value sets it. As ' +
        '`application/merge-patch+json` (RFC 7396) the body merges the fields of objects, too.',
      params,
      body: resource.update,
      examples: { change: { summary: `Change a ${singular}`, value: resource.examples.update } },
      crossCheck: sameId,
      replies: { 200: one },
      problems: [
        'not_found',
        'duplicate',
        'unknown_reference',
        ...(singular === 'category' ? (['category_cycle'] as const) : []),
      ],
      work: async (transaction, { params: { id }, body, expectation, request }) => {
        const changes = body as z.output<U>;
        const how = { isMergePatch: Boolean(request.is(mergePatch)) };
        const item = orMissing(
          singular,
          id,
          await store.update(transaction, id, changes, check(transaction, id, expectation), how),
        );
        return { status: 200, body: item, headers: { ETag: store.etag(item) } };
      },
    });

  return [
    defineRoute({
      method: 'get',
      path,
      operationId: `list${names}`,
      tag: plural,
      summary: `List ${plural}`,
      description:
        'A bare array. `Link` leads to the next page, the one before and the first. With a cursor (the default), a page costs ' +
        'the same at any depth, and no row is repeated or left out while others come and go. `_start` and `_end`, or ' +
        '`_page` and `_limit`, count from the beginning instead.',
      query,
      replies: {
        200: {
          description: `A page of ${plural}.`,
          schema: z.array(selected),
          headers: {
            Link: z.string().meta({
              description:
                'RFC 8288: `first`, and `prev` and `next` where there are such pages; relative to the request.',
            }),
          },
        },
      },
      problems: [],
      handler: async ({ query: parsed, request }) => {
        const page = await store.list(listRequest(resource.list, parsed, request.query));
        return { status: 200, ...page };
      },
    }),
    defineWrite(context, {
      method: 'post',
      path,
      operationId: `create${name}`,
      tag: plural,
      summary: `Create a ${singular}`,
      body: resource.create,
      examples: { create: { summary: `Create a ${singular}`, value: resource.examples.create } },
      replies: {
        201: {
          description: `The new ${singular}.`,
          schema: shape,
          headers: {
            Location: z
              .string()
              .meta({ description: `Where the new ${singular} is, relative to the path of the request.` }),
            ETag: etag,
          },
        },
      },
      problems: ['duplicate', 'unknown_reference'],
      work: async (transaction, { body }) => {
        const item = await store.create(transaction, body as z.output<C>);
        return { status: 201, body: item, headers: { Location: `${path}/${item.id}`, ETag: store.etag(item) } };
      },
    }),
    batchRoute(context, resource, { path, name, removalQuery, missing: (id) => missing(singular, id), check }),
    defineRoute({
      method: 'get',
      path: `${path}/:id`,
      operationId: `get${name}`,
      tag: plural,
      summary: `Get a ${singular}`,
      params,
      query: selection,
      replies: { 200: { description: `The ${singular}.`, schema: selected } },
      problems: ['not_found'],
      handler: async ({ params: { id }, query: parsed, request }) => {
        const named = request.get('If-None-Match');
        const isKnown = named === undefined ? undefined : (etag: string) => matchesNone(named, etag);
        const { item, version, etag } = orMissing(
          singular,
          id,
          await store.get(id, selectionOf(resource.list, parsed), isKnown),
        );
        const headers = etag ? { ETag: etag } : {};
        return item ? { status: 200, body: item, version, headers } : { status: 304, headers };
      },
    }),
    update('put'),
    update('patch'),
    defineWrite(context, {
      conditional: true,
      method: 'delete',
      path: `${path}/:id`,
      operationId: `delete${name}`,
      tag: plural,
      summary: `Delete a ${singular}`,
      description: `Answers with the ${singular} as it was, and what else was touched under \`effects\`.`,
      params,
      query: removalQuery,
      body: removalBody,
      isBodyOptional: true,
      examples: { version: { summary: 'Only this version', value: { version: 1 } } },
      crossCheck: (raw) => [...sameId(raw), ...crossCheck(raw)],
      replies: { 200: { description: `The ${singular} as it was.`, schema: resource.removed } },
      problems: ['not_found', ...problems],
      dependents: ({ params: { id }, query }) => store.dependents?.(id, query),
      work: async (transaction, { params: { id }, query, expectation, settlement }) => {
        const how = { query, settlement };
        const removed = orMissing(
          singular,
          id,
          await store.remove(transaction, id, check(transaction, id, expectation), how),
        );
        // What has been changed in steps was there when the request came.
        const before = settlement.before?.body as object | undefined;
        return { status: 200, body: before ? { ...before, effects: removed.effects } : removed };
      },
    }),
  ];
}
