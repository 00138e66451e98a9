import { crudRoutes } from '@shop/resources/crud-routes.ts';
import { tagList } from './tag.list.ts';
import { tag, tagCreate, tagExamples, tagRemoved, tagUpdate } from './tag.schema.ts';
import type { TagStore } from './tag.store.ts';

/** `/api/tags` */
export const tagRoutes = (store: TagStore) =>
  crudRoutes({
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
