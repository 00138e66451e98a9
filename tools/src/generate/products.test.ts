import { describe, expect, test } from '@jest/globals';
import { type CategoryPlan, planCategories } from './categories.ts';
import { type ProductPlan, planCatalogue, productAt } from './products.ts';
import { tagPlans } from './tags.ts';

const slugPattern = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** A sample of 20,000 products of a catalogue of a million, evenly spread. */
const million = planCatalogue(1_000_000, 1);
const sample: ProductPlan[] = Array.from({ length: 20_000 }, (_, index) => productAt(million, index * 50));

const share = (test: (product: ProductPlan) => boolean): number => sample.filter(test).length / sample.length;

/** How many products of the sample are in or have each value, the largest number first. */
function sizes(values: number[]): number[] {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()].toSorted((one, other) => other - one);
}

const depthOf = (plans: CategoryPlan[], { parent }: CategoryPlan): number =>
  parent === null ? 1 : 1 + depthOf(plans, plans[parent] as CategoryPlan);

describe('the categories of a plan', () => {
  test.each([1, 1_000, 100_000])('When there are %d products, then the tree has five levels', (products) => {
    const plans = planCategories(products);

    expect(Math.max(...plans.map((plan) => depthOf(plans, plan)))).toBe(5);
    expect(plans.filter(({ isLeaf }) => isLeaf).every((plan) => depthOf(plans, plan) === 5)).toBe(true);
  });

  test('When there are 100,000 products or more, then there are about 500, and below that fewer', () => {
    expect(planCategories(100_000)).toHaveLength(512);
    expect(planCategories(5_000_000)).toHaveLength(512);
    expect(planCategories(1_000).length).toBeLessThan(100);
  });

  test('When they are written in their order, then each parent comes before its children', () => {
    expect(planCategories(100_000).filter(({ parent }, index) => parent !== null && parent >= index)).toEqual([]);
  });

  test('When they are compared, then slugs are unique and well formed, and names unique among siblings', () => {
    const plans = planCategories(100_000);

    expect(new Set(plans.map(({ slug }) => slug)).size).toBe(plans.length);
    expect(plans.filter(({ slug }) => !slugPattern.test(slug) || slug.length > 255)).toEqual([]);
    expect(new Set(plans.map(({ parent, category_name }) => `${parent} ${category_name.toLowerCase()}`)).size).toBe(
      plans.length,
    );
  });
});

describe('the tags of a plan', () => {
  test('When they are compared, then there are 400, and names and slugs are unique', () => {
    expect(new Set(tagPlans.map(({ tag_name }) => tag_name.toLowerCase())).size).toBe(400);
    expect(new Set(tagPlans.map(({ slug }) => slug)).size).toBe(400);
    expect(tagPlans.filter(({ slug }) => !slugPattern.test(slug))).toEqual([]);
  });
});

describe('the products of a plan', () => {
  test('When one is asked for twice, whatever was asked for in between, then it is the same', () => {
    const plan = planCatalogue(1_000, 7);
    const first = productAt(plan, 500);
    productAt(plan, 3);

    expect(productAt(planCatalogue(1_000, 7), 500)).toEqual(first);
    expect(productAt(plan, 500)).toEqual(first);
  });

  test('When the seed is another, then the products and their categories are others', () => {
    const [some, others] = [1, 2 ** 32 - 1].map((seed) => {
      const plan = planCatalogue(1_000, seed);
      return Array.from({ length: 1_000 }, (_, index) => productAt(plan, index));
    }) as [ProductPlan[], ProductPlan[]];
    const alike = (column: 'product_name' | 'price' | 'category') =>
      some.filter((product, index) => product[column] === others[index]?.[column]).length;

    expect(alike('product_name')).toBeLessThan(10);
    expect(alike('price')).toBeLessThan(100);
    expect(alike('category')).toBeLessThan(200);
  });

  test('When they are compared, then slugs and SKUs are unique and well formed', () => {
    const skus = sample.flatMap(({ sku }) => sku ?? []);

    expect(new Set(sample.map(({ slug }) => slug)).size).toBe(sample.length);
    expect(sample.filter(({ slug }) => !slugPattern.test(slug) || slug.length > 255)).toEqual([]);
    expect(new Set(skus).size).toBe(skus.length);
    expect(skus.filter((sku) => !/^[A-Z]{3}-[A-Z]{3}-\d+$/.test(sku))).toEqual([]);
  });

  test('When there are a million, then one category has more than 100,000 and another more than 30,000', () => {
    const [largest = 0, second = 0] = sizes(sample.flatMap(({ category }) => category ?? []));

    expect(largest * 50).toBeGreaterThan(110_000);
    expect(second * 50).toBeGreaterThan(35_000);
  });

  test('When there are a million, then one tag has more than 100,000, and nearly every tag has some', () => {
    const tagged = sizes(sample.flatMap(({ tags }) => tags));

    expect((tagged[0] ?? 0) * 50).toBeGreaterThan(110_000);
    expect(tagged.length).toBeGreaterThan(390);
  });

  test('When their tags are counted, then they have 0 to 6 different ones, 2.5 in the mean', () => {
    const counts = sample.map(({ tags }) => tags.length);

    expect([Math.min(...counts), Math.max(...counts)]).toEqual([0, 6]);
    expect(counts.reduce((sum, count) => sum + count) / counts.length).toBeCloseTo(2.5, 1);
    expect(sample.filter(({ tags }) => new Set(tags).size !== tags.length)).toEqual([]);
  });

  test('When their prices are read, then they have at most two decimals, go from cents to thousands, and end as in a shop', () => {
    const prices = sample.map(({ price }) => price);

    expect(prices.filter((price) => !/^\d+(?:\.\d\d?)?$/.test(String(price)))).toEqual([]);
    expect(Math.min(...prices)).toBeLessThan(1);
    expect(Math.max(...prices)).toBeGreaterThan(1_000);
    expect(share(({ price }) => price.toFixed(2).endsWith('.99'))).toBeGreaterThan(0.3);
  });

  test('When what may be missing is counted, then 2 % have no category, 10 % no SKU and 20 % no description', () => {
    const missing = (['category', 'sku', 'description'] as const).map((column) =>
      Math.round(100 * share((product) => product[column] === null)),
    );

    expect(missing).toEqual([2, 10, 20]);
  });

  test('When their statuses are counted, then most are active, some drafts and a few archived', () => {
    const [active, draft, archived] = (['active', 'draft', 'archived'] as const).map((status) =>
      share((product) => product.status === status),
    ) as [number, number, number];

    expect(active).toBeGreaterThan(0.8);
    expect(draft).toBeGreaterThan(archived);
    expect(archived).toBeGreaterThan(0.01);
  });

  test('When their times are read, then they were created one after the other over three years, and changed later', () => {
    const times = sample.map(({ created_at }) => created_at);

    expect(times.filter((time) => !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/.test(time))).toEqual([]);
    expect(times.filter((time, index) => time < (times[index - 1] ?? ''))).toEqual([]);
    expect([times[0]?.slice(0, 7), times.at(-1)?.slice(0, 7)]).toEqual(['2023-01', '2025-12']);
    expect(sample.filter(({ created_at, updated_at }) => updated_at < created_at)).toEqual([]);
    expect(share(({ created_at, updated_at }) => updated_at > created_at)).toBeGreaterThan(0.3);
  });
});
