import { categoryColumns } from '@shop/catalogue/category.ts';
import type { ListDeclaration } from '@shop/resources/list/declaration.ts';
import { category } from './category.schema.ts';

/** What lists of categories can do. */
export const categoryList: ListDeclaration = {
  table: 'category',
  columns: categoryColumns,
  fields: {
    id: { kind: 'integer', unique: true },
    category_name: { kind: 'string' },
    slug: { kind: 'string', unique: true },
    description: { kind: 'text', nullable: true },
    parent_id: { kind: 'integer', nullable: true },
    position: { kind: 'integer' },
    product_count: {
      kind: 'integer',
      sql: '(SELECT COUNT(*) FROM product AS counted WHERE counted.category_id = category.id)',
    },
    created_at: { kind: 'datetime' },
    updated_at: { kind: 'datetime' },
    version: { kind: 'integer' },
  },
  indexes: [['id'], ['slug'], ['parent_id', 'position']],
  search: ['category_name', 'description'],
  embeds: ['products'],
  counted: ['product_count'],
  shape: Object.keys(category.shape).filter((name) => name !== 'products_truncated'),
};
