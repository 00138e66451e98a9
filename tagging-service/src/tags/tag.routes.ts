import { checkOf, crudRoutes, orMissing } from '@shop/resources/crud-routes.ts';
import { pathId } from '@shop/resources/fields.ts';
import { defineWrite, type ServiceContext } from '@shop/resources/write/write.ts';
import type { Route } from '@shop/service-kit/route.ts';
import * as z from 'zod';
import { tagList } from './tag.list.ts';
import {
  tag,
  tagChanged,
  tagCreate,
  tagExamples,
  tagMerge,
  tagMerged,
  tagProducts,
  tagRemoved,
  tagUpdate,
} from './tag.schema.ts';
import type { TagStore } from './tag.store.ts';

const params = z.object({ id: pathId });
const headers = { ETag: z.string().meta({ description: 'The entity tag that a GET would have now.' }) };

/** `/api/tags` */
export const tagRoutes = (context: ServiceContext, store: TagStore): Route[] => {
  const check = checkOf('tag', store);
  return [
    ...crudRoutes(context, {
      singular: 'tag',
      plural: 'tags',
      list: tagList,
      shape: tag,
      removed: tagRemoved,
      create: tagCreate,
      update: tagUpdate,
      examples: tagExamples,
      store,
    }),
    defineWrite(context, {
      conditional: true,
      method: 'post',
      path: '/api/tags/:id/products',
      operationId: 'changeTagProducts',
      tag: 'tags',
      summary: 'Tag and untag products',
      description: 'Leaves all other products of the tag as they are, unlike `productIds` of a PUT.',
      params,
      body: tagProducts,
      examples: { change: { summary: 'Tag two products, untag one', value: tagExamples.products } },
      replies: { 200: { description: 'The tag, and what was changed under `effects`.', schema: tagChanged, headers } },
      problems: ['not_found', 'unknown_reference'],
      work: async (transaction, { params: { id }, body, expectation }) => {
        const changed = store.changeProducts(transaction, id, body, check(transaction, id, expectation));
        const { effects, ...item } = orMissing('tag', id, await changed);
        return { status: 200, body: { ...item, effects }, headers: { ETag: store.etag(item) } };
      },
    }),
    defineWrite(context, {
      conditional: true,
      method: 'post',
      path: '/api/tags/:id/merge',
      operationId: 'mergeTag',
      tag: 'tags',
      summary: 'Merge a tag into another',
      description: 'Every product of the tag gets the other one, once, and the tag is deleted.',
      params,
      body: tagMerge,
      examples: { merge: { summary: 'Merge it into tag 2', value: tagExamples.merge } },
      crossCheck: ({ params, body }) =>
        (body as { into?: unknown } | null | undefined)?.into === Number(params.id)
          ? [{ pointer: '/into', code: 'invalid_value', detail: 'must be a tag other than the merged one' }]
          : [],
      replies: { 200: { description: 'The other tag, and what was changed.', schema: tagMerged, headers } },
      problems: ['not_found', 'unknown_reference'],
      dependents: ({ params: { id }, body: { into } }) => store.mergedProducts(id, into),
      work: async (transaction, { params: { id }, body: { into }, expectation, settlement }) => {
        const merged = store.merge(transaction, { id, into }, check(transaction, id, expectation), settlement);
        const { effects, ...item } = orMissing('tag', id, await merged);
        return { status: 200, body: { ...item, effects }, headers: { ETag: store.etag(item) } };
      },
    }),
  ];
};
