import { crudRoutes } from '@shop/resources/crud-routes.ts';
import type { ServiceContext } from '@shop/resources/write/write.ts';
import { productList } from './product.list.ts';
import { product, productCreate, productExamples, productRemoved, productUpdate } from './product.schema.ts';
import type { ProductStore } from './product.store.ts';

/** `/api/products` */
export const productRoutes = (context: ServiceContext, store: ProductStore) =>
  crudRoutes(context, {
    singular: 'product',
    plural: 'products',
    list: productList,
    shape: product,
    removed: productRemoved,
    create: productCreate,
    update: productUpdate,
    examples: productExamples,
    store,
  });
