import { crudRoutes } from '@shop/resources/crud-routes.ts';
import type { ServiceContext } from '@shop/resources/write.ts';
import { tagList } from './tag.list.ts';
import { tag, tagCreate, tagExamples, tagRemoved, tagUpdate } from './tag.schema.ts';
import type { TagStore } from './tag.store.ts';

/** `/api/tags` */
export const tagRoutes = (context: ServiceContext, store: TagStore) =>
  crudRoutes(context, {
    singular: 'tag',
    plural: 'tags',
    list: tagList,
    shape: tag,
    removed: tagRemoved,
    create: tagCreate,
    update: tagUpdate,
    examples: tagExamples,
    store,
  });
