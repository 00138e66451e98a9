import type { ResourceServiceDescription } from '@shop/resources/resource-service.ts';
import { treeRoute } from './categories/category.nodes.ts';
import { categoryRoutes } from './categories/category.routes.ts';
import { createCategoryStore } from './categories/category.store.ts';
import { facetsRoute } from './products/product.facets.ts';
import { movementsRoute } from './products/product.movements.ts';
import { productRoutes } from './products/product.routes.ts';
import { stockRoute } from './products/product.stock.ts';
import { createProductStore } from './products/product.store.ts';

/** catalog-service: categories and products. */
export const catalogService: ResourceServiceDescription = {
  name: 'catalog-service',
  account: 'catalog',
  port: { setting: 'CATALOG_SERVICE_PORT', fallback: 3002 },
  routes: (context) => {
    const products = createProductStore(context.db);
    return [
      treeRoute(context.db),
      ...categoryRoutes(context, createCategoryStore(context.db)),
      facetsRoute(context.db),
      ...productRoutes(context, products),
      stockRoute(context, products),
      movementsRoute(context.db),
    ];
  },
};
