import type { Binder } from './binder.ts';
import type { ListDeclaration } from './declaration.ts';

/** The shortest word that InnoDB's full-text index holds (innodb_ft_min_token_size), by default. */
const shortestIndexed = 3;
/** The longest (innodb_ft_max_token_size). */
const longestIndexed = 84;

/** A text's words as InnoDB cuts them: runs of letters, digits and underscores (an apostrophe counts inside of a word). */
const wordsOf = (text: string): string[] => text.match(/[\p{L}\p{N}\p{M}_]+/gu) ?? [];

/**
 * The condition and the score of a full-text search. Every word must be there, the last one as the beginning of a word.
 * None of the operators of a search reaches the database: words are all that is taken from the text. Words that are too
 * short for the index are looked for in the text itself, among the rows that the others have found.
 */
export function searchSql(
  { table, search }: ListDeclaration,
  text: string,
  bind: Binder,
): { where: string; score: string } {
  const words = wordsOf(text);
  const columns = search.map((column) => `${table}.${column}`);
  const last = words.length - 1;
  const long = words.filter((word) => [...word].length >= shortestIndexed && [...word].length <= longestIndexed);
  const short = words.filter((word) => !long.includes(word));
  const conditions: string[] = [];
  // Not `0`, by which ORDER BY would mean a column.
  let score = '0e0';
  if (long.length > 0) {
    const terms = words.flatMap((word, index) => (long.includes(word) ? [`+${word}${index === last ? '*' : ''}`] : []));
    score = `MATCH (${columns.join(', ')}) AGAINST (${bind.add(terms.join(' '))} IN BOOLEAN MODE)`;
    conditions.push(score);
  }
  for (const word of short) {
    const pattern = `%${word.replaceAll(/[|%_]/g, '|$&')}%`;
    conditions.push(`CONCAT_WS(' ', ${columns.join(', ')}) LIKE ${bind.add(pattern)} ESCAPE '|'`);
  }
  return { where: conditions.length > 0 ? `(${conditions.join(' AND ')})` : 'FALSE', score };
}
