import type { TestService } from '@shop/testing/service.ts';

/** A name that no other test has. */
let count = 0;
export const unique = (name: string): string => `${name} ${++count}`;

type Body = Awaited<ReturnType<TestService['get']>>['body'];

/**
 * Rows for a test to begin with: tags made through the service, products, which another service owns, by the owner of
 * the database.
 */
export function rowsIn(service: TestService) {
  const { models } = service.database.db;
  return {
    tag: async (fields: Record<string, unknown> = {}): Promise<Body> => {
      const { status, body, text } = await service.post('/api/tags', { tag_name: unique('Tag'), ...fields });
      if (status !== 201) throw new Error(`POST /api/tags answered ${status}: ${text}`);
      return body;
    },
    /** @returns the ids of the new products, in their order */
    products: async (howMany: number): Promise<number[]> => {
      const rows = Array.from({ length: howMany }, () => {
        const product_name = unique('Product');
        return { product_name, slug: product_name.toLowerCase().replace(' ', '-'), price: 1.5 };
      });
      await models.product.bulkCreate(rows, { fields: ['product_name', 'slug', 'price'] });
      const found = await models.product.findAll({
        attributes: ['id'],
        where: { slug: rows.map(({ slug }) => slug) },
        order: ['id'],
      });
      return found.map((row) => row.get('id') as number);
    },
    versionOf: async (id: number): Promise<number> => {
      const row = await models.product.findByPk(id, { attributes: ['version'], rejectOnEmpty: true });
      return row.get('version') as number;
    },
    /** How many products have a tag. */
    linksOf: (tag_id: number): Promise<number> => models.product_tag.count({ where: { tag_id } }),
  };
}
