import { rm } from 'node:fs/promises';
import type { EmbeddedDatabase } from '@shop/tools/embedded.ts';

/** After the tests of the packages: stops the server that `start-database.ts` started, and removes its files. */
export default async function stopDatabase(): Promise<void> {
  const { testDatabase } = globalThis as { testDatabase?: { server: EmbeddedDatabase; folder: string } };
  if (!testDatabase) return;
  await testDatabase.server.stop();
  await rm(testDatabase.folder, { recursive: true, force: true });
}
