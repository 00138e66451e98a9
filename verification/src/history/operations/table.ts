import type { Operation } from '../operation.ts';
import type { ResourceName } from '../state.ts';
import { batch } from './batch.ts';
import { create, list, read, remove, update } from './crud.ts';
import { changeStock, readMovements } from './stock.ts';
import { changeTagProducts, mergeTag } from './tag.ts';

const resources: ResourceName[] = ['categories', 'products', 'tags'];

/** The table of all that a history is made of. A new route is an entry here, with what the model says of it. */
export const operations: Operation[] = [
  ...resources.flatMap((resource) => [
    create(resource),
    update(resource, 'PUT'),
    update(resource, 'PATCH'),
    remove(resource),
    read(resource),
    list(resource),
    batch(resource),
  ]),
  changeStock,
  readMovements,
  changeTagProducts,
  mergeTag,
];

export const operationNamed = (name: string): Operation => operations.find((one) => one.name === name) as Operation;
