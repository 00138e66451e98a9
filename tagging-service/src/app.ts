import type { ResourceServiceDescription } from '@shop/resources/resource-service.ts';
import { tagRoutes } from './tags/tag.routes.ts';
import { createTagStore } from './tags/tag.store.ts';

/** tagging-service: tags, and which products have them. */
export const taggingService: ResourceServiceDescription = {
  name: 'tagging-service',
  account: 'tagging',
  port: { setting: 'TAGGING_SERVICE_PORT', fallback: 3003 },
  routes: (context) => tagRoutes(context, createTagStore(context.db)),
};
