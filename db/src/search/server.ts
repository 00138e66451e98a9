import { type Database, select } from '../connection/connection.ts';
import { SchemaError } from '../errors.ts';
import { longestTerm, shortestTerm } from './terms.ts';

/**
 * Checks the settings by which a server decides what its full-text indexes hold: all others make no difference to searches.
 * @throws {SchemaError} saying what to set
 */
export async function verifySearch(db: Database): Promise<void> {
  const [limits] = await select<{ shortest: number; longest: number }>(
    db,
    'SELECT @@innodb_ft_min_token_size AS shortest, @@innodb_ft_max_token_size AS longest',
  );
  const { shortest = 0, longest = longestTerm } = limits ?? {};
  const wrong = [
    ...(shortest > shortestTerm
      ? [`innodb_ft_min_token_size is ${shortest}, and must be at most ${shortestTerm}`]
      : []),
    ...(longest < longestTerm ? [`innodb_ft_max_token_size is ${longest}, and must be ${longestTerm}`] : []),
  ];
  if (wrong.length === 0) return;
  throw new SchemaError(
    `The database server leaves words out of its full-text indexes: ${wrong.join('; ')}. Set it, start the server anew, and run "npm run db:optimize".`,
  );
}
