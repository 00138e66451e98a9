import { crudRoutes } from '@shop/resources/crud-routes.ts';
import type { ServiceContext } from '@shop/resources/write.ts';
import { categoryList } from './category.list.ts';
import { category, categoryCreate, categoryExamples, categoryRemoved, categoryUpdate } from './category.schema.ts';
import type { CategoryStore } from './category.store.ts';

/** `/api/categories` */
export const categoryRoutes = (context: ServiceContext, store: CategoryStore) =>
  crudRoutes(context, {
    singular: 'category',
    plural: 'categories',
    list: categoryList,
    shape: category,
    removed: categoryRemoved,
    create: categoryCreate,
    update: categoryUpdate,
    examples: categoryExamples,
    store,
  });
