import { slugOf } from '@shop/db/slug.ts';
import { type Department, departments } from './words.ts';

/** A category that is to be written. */
export interface CategoryPlan {
  category_name: string;
  slug: string;
  description: string | null;
  /** The index of its parent in the same list, before its own; null for a root. */
  parent: number | null;
  /** Among its siblings, from 0. */
  position: number;
  isLeaf: boolean;
  department: Department;
  /** What the products in it are, in the singular. */
  nouns: string[];
}

interface Branch {
  name: string;
  nouns: string[];
  branches: Branch[];
}

/** Products for which the tree has its full size: 512 categories, 288 of them leaves. */
const productsOfFullTree = 100_000;
const levels = 5;

/** A regular English plural. */
export function plural(noun: string): string {
  if (/(?:s|x|z|ch|sh)$/.test(noun)) return `${noun}es`;
  return /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
}

/**
 * A category tree of five levels for so many products, each parent before its children. For fewer than 100,000 it is a
 * part of the full tree, smaller on every level.
 */
export function planCategories(products: number): CategoryPlan[] {
  const share = Math.min(1, products / productsOfFullTree) ** (1 / levels);
  const some = <T>(list: readonly T[]): T[] => list.slice(0, Math.max(1, Math.round(list.length * share)));
  const plans: CategoryPlan[] = [];

  const add = (department: Department, { name, nouns, branches }: Branch, position: number, parent: number | null) => {
    // The slugs of the whole path: a name is unique among its siblings only.
    const slug = parent === null ? slugOf(name) : `${plans[parent]?.slug}-${slugOf(name)}`;
    const isLeaf = branches.length === 0;
    const description =
      nouns.length < 2 ? null : `${name}: ${listed(nouns.map((noun) => plural(noun).toLowerCase()))}.`;
    const self = plans.length;
    plans.push({ category_name: name, slug, description, parent, position, isLeaf, department, nouns });
    for (const [place, branch] of branches.entries()) add(department, branch, place, self);
  };
  for (const [position, department] of some(departments).entries()) {
    add(department, branchOf(department, some), position, null);
  }
  return plans;
}

/** A department, its sections, their groups, a branch for each noun and one for each kind of it. */
function branchOf({ name, sections, kinds }: Department, some: <T>(list: readonly T[]) => T[]): Branch {
  const node = (nodeName: string, branches: Branch[]): Branch => ({
    name: nodeName,
    nouns: branches.flatMap(({ nouns }) => nouns),
    branches,
  });
  const kindsOf = (noun: string) =>
    some(kinds).map((kind) => ({ name: `${kind} ${plural(noun)}`, nouns: [noun], branches: [] }));
  const nounBranch = (noun: string) => ({ name: plural(noun), nouns: [noun], branches: kindsOf(noun) });
  return node(
    name,
    some(Object.entries(sections)).map(([section, groups]) =>
      node(
        section,
        some(groups).map((group) => node(group.name, some(group.nouns).map(nounBranch))),
      ),
    ),
  );
}

/** `a, b and c` of two words or more; of a long list its beginning. */
function listed(words: string[]): string {
  if (words.length > 4) return `${words.slice(0, 4).join(', ')} and more`;
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
