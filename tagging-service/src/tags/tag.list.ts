import { tagColumns } from '@shop/catalogue/tag.ts';
import type { ListDeclaration } from '@shop/resources/list/declaration.ts';
import { tag } from './tag.schema.ts';

/** What lists of tags can do. */
export const tagList: ListDeclaration = {
  table: 'tag',
  columns: tagColumns,
  fields: {
    id: { kind: 'integer', unique: true },
    tag_name: { kind: 'string', unique: true },
    slug: { kind: 'string', unique: true },
    product_count: {
      kind: 'integer',
      sql: '(SELECT COUNT(*) FROM product_tag AS counted WHERE counted.tag_id = tag.id)',
    },
    created_at: { kind: 'datetime' },
    updated_at: { kind: 'datetime' },
    version: { kind: 'integer' },
  },
  indexes: [['id'], ['tag_name'], ['slug']],
  search: ['tag_name'],
  embeds: ['products'],
  counted: ['product_count'],
  shape: Object.keys(tag.shape).filter((name) => name !== 'products_truncated'),
};
