import type { ProductRow } from '@shop/db/models.ts';
import { slugOf } from '@shop/db/slug.ts';
import { type CategoryPlan, planCategories } from './categories.ts';
import { integer, pick, type Random, randomOf, shuffled, weighted, zipf } from './random.ts';
import { drawTags } from './tags.ts';
import { adjectives, brands, colours } from './words.ts';

/** Everything that the rows of a catalogue are derived from. */
export interface CataloguePlan {
  seed: number;
  /** How many there will be. */
  products: number;
  categories: CategoryPlan[];
  /** Draws the index of a category. */
  drawCategory: (random: Random) => number;
}

/** A product that is to be written. Its category and tags are indexes in the plan's categories and in `tagPlans`. */
export interface ProductPlan
  extends Pick<ProductRow, 'product_name' | 'slug' | 'sku' | 'description' | 'status' | 'price' | 'stock'>,
    Pick<ProductRow, 'image_urls' | 'metadata' | 'created_at' | 'updated_at'> {
  category: number | null;
  tags: number[];
}

/** The times of a catalogue: from the first category to the last change of a product. */
export const firstTime = Date.UTC(2023, 0, 1);
const lastTime = Date.UTC(2026, 0, 1);

/** Purposes of random streams. */
const forRanks = 0;
const forName = 1;
const forDetails = 2;

/** The plan of a catalogue of so many products: the same for the same two numbers. */
export function planCatalogue(products: number, seed: number): CataloguePlan {
  const categories = planCategories(products);
  const indexes = [...categories.keys()];
  // The inner categories have products, too, but fewer than any leaf.
  const ranked = [
    ...shuffled(
      randomOf(seed, forRanks, 0),
      indexes.filter((index) => categories[index]?.isLeaf),
    ),
    ...indexes.filter((index) => !categories[index]?.isLeaf),
  ];
  const drawRank = weighted(zipf(ranked.length));
  return { seed, products, categories, drawCategory: (random) => ranked[drawRank(random)] as number };
}

const day = 86_400_000;
const days = new Map<number, string>();

/** Milliseconds since 1970 as MySQL writes a DATETIME(3) in UTC. (Much faster than a Date for each.) */
export function sqlTime(time: number): string {
  const number = Math.floor(time / day);
  const date = days.get(number) ?? new Date(number * day).toISOString().slice(0, 10);
  days.set(number, date);
  const rest = time - number * day;
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const seconds = rest / 1000;
  return `${date} ${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}.${String(rest % 1000).padStart(3, '0')}`;
}

/** What a product is called and where it belongs: `words` are its brand, what it is like and made of, and what it is. */
function identityOf({ seed, categories, drawCategory }: CataloguePlan, index: number) {
  const random = randomOf(seed, forName, index);
  const category = drawCategory(random);
  const { department, nouns } = categories[category] as CategoryPlan;
  const brand = pick(random, brands);
  const adjective = pick(random, adjectives);
  const material = pick(random, department.materials);
  const noun = pick(random, nouns);
  const words = [brand];
  if (random() < 0.9) words.push(adjective);
  if (random() < 0.8) words.push(material);
  words.push(noun);
  return { category: random() < 0.02 ? null : category, words, brand, material, noun };
}

/**
 * The product at an index from 0 of a plan, whichever were asked for before. About one in twenty has the name and the
 * category of another. What has to be unique ends in its number, the index + 1.
 */
export function productAt(plan: CataloguePlan, index: number): ProductPlan {
  const random = randomOf(plan.seed, forDetails, index);
  const named = random() < 0.05 ? Math.floor(random() * index) : index;
  const { category, words, brand, material, noun } = identityOf(plan, named);
  const number = index + 1;
  const created = firstTime + Math.floor(((index + random()) / plan.products) * (lastTime - firstTime));
  const updated = random() < 0.45 ? created : created + Math.floor(random() ** 2 * (lastTime - created));
  return {
    product_name: words.join(' '),
    slug: `${words.map(slugOfWord).join('-')}-${number}`,
    sku: random() < 0.9 ? `${lettersOf(brand)}-${lettersOf(noun)}-${number}` : null,
    description: descriptionOf(random, { brand, material, noun }),
    status: statusOf(random()),
    price: priceOf(random),
    stock: random() < 0.08 ? 0 : 1 + Math.floor(-Math.log(1 - random()) * (random() < 0.05 ? 400 : 40)),
    category,
    image_urls: Array.from(
      { length: integer(random, 0, 4) },
      (_, image) => `https://images.example.com/${number}-${image + 1}.jpg`,
    ),
    metadata: metadataOf(random, material),
    created_at: sqlTime(created),
    updated_at: sqlTime(updated),
    tags: drawTags(random),
  };
}

const slugs = new Map<string, string>();
function slugOfWord(word: string): string {
  const known = slugs.get(word);
  if (known !== undefined) return known;
  const slug = slugOf(word);
  slugs.set(word, slug);
  return slug;
}

/** The first three letters of a word, as they stand in a SKU. */
const lettersOf = (word: string): string => slugOfWord(word).replaceAll('-', '').slice(0, 3).toUpperCase();

function statusOf(point: number): ProductRow['status'] {
  if (point < 0.9) return 'active';
  return point < 0.97 ? 'draft' : 'archived';
}

/** From 0.49 to 2,499, half of them below 35, with the last digits of a shop's prices. */
function priceOf(random: Random): number {
  const amount = Math.floor(0.49 * (2499 / 0.49) ** ((random() + random() + random()) / 3));
  // In cents, because a sum of fractions is not always exact to the cent.
  const cents =
    amount < 100
      ? amount * 100 + pick(random, amount < 1 ? [49, 79, 95, 99] : [99, 99, 99, 99, 49, 49, 95, 95, 0])
      : Math.floor(amount / 10) * 1000 + pick(random, [900, 900, 900, 0, 500, 899, 495]);
  return cents / 100;
}

type Facts = Record<'brand' | 'material' | 'noun' | 'aNoun' | 'colour', string>;

const openings = [
  ({ aNoun }: Facts) => `${aNoun} for every day.`,
  ({ noun }: Facts) => `The ${noun} that our customers ask for most.`,
  ({ brand, aNoun }: Facts) => `${aNoun} made in small series by ${brand}.`,
  ({ noun }: Facts) => `Our favourite ${noun} of the season.`,
  ({ brand, noun }: Facts) => `${brand} has improved this ${noun} in many details.`,
  ({ aNoun }: Facts) => `${aNoun} to give, or to keep.`,
];
const details = [
  ({ material, colour }: Facts) => `Made with ${material}, finished in ${colour}.`,
  ({ material }: Facts) => `The ${material} comes from certified sources.`,
  ({ material }: Facts) => `Details in ${material} make it last.`,
  ({ colour }: Facts) => `Also to be had in ${colour}.`,
];
const closings = [
  () => 'Easy to clean.',
  () => 'Spare parts for ten years.',
  () => 'Comes in a recycled box.',
  () => 'Free returns within 30 days.',
  ({ brand }: Facts) => `Goes well with everything else by ${brand}.`,
];

/** One to three sentences; for one product in five none. */
function descriptionOf(
  random: Random,
  { brand, material, noun: name }: Pick<Facts, 'brand' | 'material' | 'noun'>,
): string | null {
  if (random() < 0.2) return null;
  const noun = name.toLowerCase();
  const aNoun = `${/^[aeiou]/.test(noun) ? 'An' : 'A'} ${noun}`;
  const facts = { brand, material: material.toLowerCase(), noun, aNoun, colour: pick(random, colours) };
  const sentences = [pick(random, openings)(facts)];
  if (random() < 0.45) sentences.push(pick(random, details)(facts));
  if (random() < 0.35) sentences.push(pick(random, closings)(facts));
  return sentences.join(' ');
}

function metadataOf(random: Random, material: string): Record<string, unknown> {
  const metadata: Record<string, unknown> = {};
  if (random() < 0.7) metadata.material = material.toLowerCase();
  if (random() < 0.6) metadata.colour = pick(random, colours);
  if (random() < 0.5) metadata.weight_g = integer(random, 2, 800) * 10;
  if (random() < 0.2) metadata.warranty_months = pick(random, [12, 24, 36, 60]);
  if (random() < 0.15) metadata.size_cm = [integer(random, 2, 90), integer(random, 2, 90), integer(random, 1, 60)];
  return metadata;
}
