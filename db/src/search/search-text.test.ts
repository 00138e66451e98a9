import { expect, test } from '@jest/globals';
import { mostDescriptionTerms, searchTextOf } from './search-text.ts';

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `word${index}`).join(' ');

test('When a description has more different words than are kept, then the first ones are, and the name and SKU in any case', () => {
  const description = `${numbered(mostDescriptionTerms)} behind`;
  const text = searchTextOf('product', { product_name: 'behind all', sku: 'LAST-1', description });

  expect(text).toContain(' w_behind w_all | ');
  expect(text).toContain(` w_word${mostDescriptionTerms - 1} `);
  expect(searchTextOf('product', { product_name: 'first', sku: null, description })).not.toContain(' w_behind ');
});
