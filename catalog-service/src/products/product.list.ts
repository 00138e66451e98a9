import { productColumns, productStatus } from '@shop/catalogue/product.ts';
import { type Database, padded, placeholders, select } from '@shop/db/connection/connection.ts';
import { describedAs } from '@shop/resources/fields.ts';
import type { ListDeclaration } from '@shop/resources/list/declaration.ts';
import { commaList, largestLimit, refuse, wholeNumber } from '@shop/resources/list/field.ts';
import type { ListRequest } from '@shop/resources/list/request.ts';
import * as z from 'zod';
import { product } from './product.schema.ts';

const idPattern = /^[0-9]+$/;
const idsSentence = 'must be ids of tags, which are whole numbers';

/** Ids of tags, given once or several times. */
const anyTag = z
  .union([z.string(), z.array(z.string())], { error: idsSentence })
  .transform((given, context): number[] => {
    const texts = [given].flat();
    return texts.length <= largestLimit && texts.every((text) => idPattern.test(text))
      ? texts.map(wholeNumber)
      : refuse(context, `${idsSentence}, at most ${largestLimit} of them`);
  })
  .optional()
  .meta({
    description: 'Products that have this tag, or any of several.',
    override: describedAs({ type: 'array', items: { type: 'integer', minimum: 1 } }),
  });

/** Ids of tags, separated by commas. */
const allTags = commaList
  .transform((text, context): number[] => {
    const ids = text.split(',');
    return ids.length <= 20 && ids.every((id) => idPattern.test(id))
      ? ids.map(wholeNumber)
      : refuse(context, `${idsSentence}, separated by commas, at most 20 of them`);
  })
  .optional()
  .meta({
    description: 'Products that have all of these tags.',
    override: describedAs({ type: 'string' }),
    example: '1,2',
  });

const descendants = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((text) => text === 'true')
  .optional()
  .meta({
    description: 'With `category_id`: the products of the whole subtree.',
    override: describedAs({ type: 'boolean' }),
  });

/** The categories that a filter names, and all below them. */
async function withDescendants(db: Database, request: ListRequest): Promise<ListRequest> {
  if (request.parameters._descendants !== true) return request;
  const filters = await Promise.all(
    request.filters.map(async (filter) => {
      if (filter.field !== 'category_id' || filter.operator !== '') return filter;
      const roots = padded(filter.values.filter((value) => value !== null));
      if (roots.length === 0) return filter;
      const rows = await select<{ id: number }>(
        db,
        `WITH RECURSIVE subtree (id) AS (
           SELECT id FROM category WHERE id IN (${placeholders(roots.length)})
           UNION
           SELECT category.id FROM subtree JOIN category ON category.parent_id = subtree.id
         ) SELECT id FROM subtree`,
        roots,
      );
      const rest = filter.values.filter((value) => value === null);
      return { ...filter, values: [...rows.map(({ id }) => id), ...rest] };
    }),
  );
  return { ...request, filters };
}

/** What lists of products can do. */
export const productList: ListDeclaration = {
  table: 'product',
  columns: productColumns,
  fields: {
    id: { kind: 'integer', unique: true },
    product_name: { kind: 'string' },
    slug: { kind: 'string', unique: true },
    sku: { kind: 'string', nullable: true, unique: true },
    description: { kind: 'text', nullable: true },
    status: { kind: 'enum', values: productStatus.options },
    price: { kind: 'decimal' },
    stock: { kind: 'integer' },
    category_id: { kind: 'integer', nullable: true },
    created_at: { kind: 'datetime' },
    updated_at: { kind: 'datetime' },
    version: { kind: 'integer' },
  },
  parameters: {
    tag_id: {
      schema: anyTag,
      where: (ids: number[], bind) =>
        `product.id IN (SELECT product_tag.product_id FROM product_tag WHERE product_tag.tag_id IN (${bind.list(padded(ids))}))`,
      ids: {
        table: 'product_tag',
        column: 'product_tag.product_id',
        where: ([id]: number[], bind) => `product_tag.tag_id = ${bind.add(id)}`,
      },
    },
    tag_id_all: {
      schema: allTags,
      where: (ids: number[], bind) =>
        ids
          .map(
            (id) =>
              `product.id IN (SELECT product_tag.product_id FROM product_tag WHERE product_tag.tag_id = ${bind.add(id)})`,
          )
          .join(' AND '),
    },
    _descendants: { schema: descendants },
  },
  indexes: [
    ['id'],
    ['product_name'],
    ['slug'],
    ['sku'],
    ['status'],
    ['price'],
    ['stock'],
    ['category_id'],
    ['category_id', 'status', 'price'],
    ['created_at'],
    ['updated_at'],
    ['tag_id'],
  ],
  search: ['product_name', 'description', 'sku'],
  embeds: ['category', 'tags'],
  shape: Object.keys(product.shape).filter((name) => name !== 'tags_truncated'),
  prepare: withDescendants,
};
