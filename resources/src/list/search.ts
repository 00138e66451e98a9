import { codeTermsOf, type QueryTerm, queryTerms, termsOf } from '@shop/db/search/terms.ts';
import type { Binder } from './binder.ts';
import type { ListDeclaration } from './declaration.ts';
import type { SearchPlan } from './request.ts';

/** The numbers of patterns that statements have: each would be a statement of its own. */
const paddedLength = (length: number): number => (length === 0 ? 0 : 4 ** Math.ceil(Math.log(length) / Math.log(4)));

/** A term in a pattern, with `!` as the escape. */
const literally = (term: string): string => term.replaceAll('_', '!_');
const patternOf = ({ term, prefix }: QueryTerm): string => `% ${literally(term)}${prefix ? '' : ' '}%`;

/** Conditions that `text` is like each of `patterns`, and as many more that are like `padding`. */
function likeEach(text: string, patterns: string[], padding: string, bind: Binder): string[] {
  return Array.from({ length: paddedLength(patterns.length) }, (_, index) => {
    return `(${text} LIKE ${bind.add(patterns[index] ?? padding)} ESCAPE '!')`;
  });
}

/**
 * The condition of a search on the rows of a table of terms, which are called `found`: every term must be among a row's. Terms
 * are letters and digits (`@shop/db/search/terms.ts`): none of the operators of a search reaches the database.
 */
export function termCondition(text: string, bind: Binder, plan?: SearchPlan): string {
  const terms = queryTerms(text);
  if (terms.length === 0) return 'FALSE';
  const indexed = plan?.indexed ?? terms;
  const isIndexed = ({ term, prefix }: QueryTerm) => indexed.some((one) => one.term === term && one.prefix === prefix);
  const filtered = terms.filter((term) => !isIndexed(term));
  const conditions = likeEach('found.terms', filtered.map(patternOf), '%', bind);
  if (indexed.length > 0) {
    const wanted = indexed.map(({ term, prefix }) => `+${term}${prefix ? '*' : ''}`).join(' ');
    conditions.unshift(`MATCH (found.terms) AGAINST (${bind.add(wanted)} IN BOOLEAN MODE)`);
  }
  return conditions.join(' AND ');
}

/** The condition of a search on the rows of a resource's own table. */
export function searchCondition({ table }: ListDeclaration, text: string, bind: Binder, plan?: SearchPlan): string {
  return `${table}.id IN (SELECT found.id FROM ${table}_search AS found WHERE ${termCondition(text, bind, plan)})`;
}

/** What the name, or the article number, counts for that is the very text of the search. */
const exact = 1_000;

/**
 * How well a row of a table of terms, called `found`, fits: how many of the search's terms are in its name, and more than any of
 * that for one which has no others.
 */
export function searchScore(text: string, bind: Binder): string {
  const inName = likeEach("SUBSTRING_INDEX(found.terms, '|', 1)", queryTerms(text).map(patternOf), '', bind);
  const sectionOf = (terms: string[]) => literally(terms.map((term) => `${term} `).join(''));
  const isName = bind.add(` ${sectionOf(termsOf(text))}|%`);
  const isCode = bind.add(`%| ${sectionOf(codeTermsOf(text))}|%`);
  const points = [
    `${exact} * (found.terms LIKE ${isName} ESCAPE '!' OR found.terms LIKE ${isCode} ESCAPE '!')`,
    ...inName,
  ];
  return points.join(' + ');
}
