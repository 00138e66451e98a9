import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { optimizeSearch } from '@shop/tools/optimize-search.ts';
import { catalogService } from '../app.ts';
import { rowsIn } from './testing.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(catalogService);
});
afterAll(() => service.stop());

const search = async (q: string, rest = '') => {
  const { body, status, text } = await service.get(`/api/products?${new URLSearchParams({ q })}&_embed=${rest}`);
  if (status !== 200) throw new Error(text);
  return (body as { product_name: string }[]).map(({ product_name }) => product_name);
};
const make = async (...values: Parameters<ReturnType<typeof rowsIn>['product']>) => rowsIn(service).product(...values);

describe('the search index', () => {
  const rebuilds: Record<string, () => Promise<unknown>> = {
    'db:optimize': () => optimizeSearch(service.database.db),
    'OPTIMIZE TABLE': () => service.database.db.sequelize.query('OPTIMIZE TABLE product, product_search'),
    'ALTER TABLE': () => service.database.db.sequelize.query('ALTER TABLE product_search ENGINE = InnoDB'),
    'a restore': async () => {
      // As a dump has it: the index is made by a session that knows nothing of how it was made before.
      const { sequelize } = service.database.db;
      await sequelize.query('ALTER TABLE product_search DROP INDEX product_search_terms');
      await sequelize.query('ALTER TABLE product_search ADD FULLTEXT KEY product_search_terms (terms)');
    },
  };

  test.each(Object.keys(rebuilds))(
    'When %s makes it anew, then words that are common in English are found',
    async (how) => {
      const name = `The ${how} of the Rings, a to be or 日本`;
      await make({ product_name: name });

      await rebuilds[how]?.();

      for (const q of [`the ${how} of the`, `${how} a or`, `${how} to be`, `${how} の`]) {
        expect(await search(q)).toEqual(q.endsWith('の') ? [] : [name]);
      }
      expect(await search(`${how} 本`)).toEqual([name]);
    },
  );

  test('When a product is renamed, described or given another SKU, then it is found by what it has now', async () => {
    const { id } = await make({ product_name: 'zebra lamp', sku: 'ZL-100', description: 'striped' });

    await service.patch(`/api/products/${id}`, { product_name: 'giraffe lamp', sku: 'GL-200', description: 'spotted' });

    expect(await search('zebra')).toEqual([]);
    expect(await search('ZL-100')).toEqual([]);
    expect(await search('striped')).toEqual([]);
    for (const q of ['giraffe', 'gl-200', 'gl200', 'spotted']) expect(await search(q)).toEqual(['giraffe lamp']);
  });

  test('When products are created by a batch of which others are undone, then those that are there are found', async () => {
    const { status } = await service.post('/api/products/batch?_on_error=continue', {
      create: [
        { product_name: 'walrus one', price: 1 },
        { product_name: 'walrus two', price: 1, category_id: 999_999 },
        { product_name: 'walrus three', price: 1 },
      ],
    });

    expect(status).toBe(200);
    expect(await search('walrus', '&_sort=id')).toEqual(['walrus one', 'walrus three']);
  });

  test('When a product is deleted, then nothing of it is left to be searched', async () => {
    const { id } = await make({ product_name: 'pangolin' });

    await service.delete(`/api/products/${id}`);

    expect(await search('pangolin')).toEqual([]);
  });

  test('When a name is another one with signs, in another script or an emoji, then it alone is found', async () => {
    for (const product_name of ['C++ primer', 'C primer', '日本語のシャツ', '𠮷野家 丼', 'Hot 🔥 sauce', 'สีแดง']) {
      await make({ product_name });
    }

    expect(await search('c++')).toEqual(['C++ primer']);
    for (const q of ['シ', 'シャ', 'シャツ', 'のシャツ']) expect(await search(q)).toEqual(['日本語のシャツ']);
    expect(await search('𠮷野家 丼')).toEqual(['𠮷野家 丼']);
    expect(await search('🔥')).toEqual(['Hot 🔥 sauce']);
    expect(await search('แดง')).toEqual(['สีแดง']);
  });
});

describe('relevance', () => {
  test('When the words of a search are all of a name, then it comes first, before those in a longer name or a description', async () => {
    await make({ product_name: 'case', description: 'for an ocelot lamp' });
    await make({ product_name: 'ocelot lamp shade' });
    await make({ product_name: 'ocelot lamp' });

    expect(await search('Ocelot Lamp')).toEqual(['ocelot lamp', 'ocelot lamp shade', 'case']);
  });

  test('When a search is the SKU of a product, then it comes first', async () => {
    await make({ product_name: 'quokka q7 100 poster' });
    await make({ product_name: 'mug', sku: 'Q7-100' });

    expect(await search('q7-100')).toEqual(['mug', 'quokka q7 100 poster']);
  });
});
