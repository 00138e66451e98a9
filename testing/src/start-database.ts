import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmbedded } from '@shop/tools/embedded.ts';

/**
 * Before the tests of the packages: one temporary database server for all of them, each of which makes a database of its
 * own on it (`testing/src/database.ts`). `TEST_DATABASE` (settings as JSON) names another server instead.
 */
export default async function startDatabase(): Promise<void> {
  if (process.env.TEST_DATABASE) return;
  const folder = await mkdtemp(path.join(tmpdir(), 'shop-test-'));
  const server = await startEmbedded({ folder, database: '', durable: false });
  process.env.TEST_DATABASE = JSON.stringify(server.owner);
  Object.assign(globalThis, { testDatabase: { server, folder } });
}
