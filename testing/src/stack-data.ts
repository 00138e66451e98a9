import { connect, type Database } from '@shop/db/connection/connection.ts';
import { checkIntegrity } from '@shop/tools/integrity.ts';
import { provideDatabase } from '@shop/tools/provision.ts';
import type { Stack } from './stack.ts';

/** Works on the database of a running stack, with every right. */
export async function withDatabaseOf<T>({ env }: Stack, work: (db: Database) => Promise<T>): Promise<T> {
  const { owner } = await provideDatabase(env);
  const db = connect({ ...owner, poolMax: 1 });
  try {
    return await work(db);
  } finally {
    await db.sequelize.close();
  }
}

/** The rules of `npm run db:verify` that the data of a stack break, and by how many rows; none when all is well. */
export const brokenRules = (stack: Stack): Promise<string[]> =>
  withDatabaseOf(stack, async (db) => {
    const broken: string[] = [];
    for await (const { what, found, examples } of checkIntegrity(db)) {
      if (found > 0) broken.push(`${found} ${what}: ${examples.join(', ')}`);
    }
    return broken;
  });
