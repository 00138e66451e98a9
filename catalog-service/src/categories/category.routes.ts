import { crudRoutes } from '@shop/resources/crud-routes.ts';
import type { ServiceContext } from '@shop/resources/write/write.ts';
import type { Fault } from '@shop/service-kit/problem.ts';
import { categoryList } from './category.list.ts';
import {
  category,
  categoryCreate,
  categoryExamples,
  categoryRemoval,
  categoryRemoved,
  categoryUpdate,
} from './category.schema.ts';
import type { CategoryStore } from './category.store.ts';

/** Products cannot move from a category to the same one while it is deleted. */
const intoItself = (id: unknown, policy: unknown): Fault[] =>
  policy === `reassign:${Number(id)}`
    ? [{ parameter: 'products', code: 'invalid_value', detail: 'must name a category other than the deleted one' }]
    : [];

/** `/api/categories` */
export const categoryRoutes = (context: ServiceContext, store: CategoryStore) =>
  crudRoutes(context, {
    singular: 'category',
    plural: 'categories',
    list: categoryList,
    shape: category,
    removed: categoryRemoved,
    removal: {
      query: categoryRemoval,
      crossCheck: ({ params, query }) => intoItself(params.id, query.products),
      problems: ['duplicate', 'category_not_empty', 'unknown_reference'],
    },
    create: categoryCreate,
    update: categoryUpdate,
    examples: categoryExamples,
    store,
  });
