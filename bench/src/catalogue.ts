import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type ProvidedDatabase, prepareDatabase, provideDatabase } from '@shop/tools/provision.ts';

const root = path.join(import.meta.dirname, '../..');

/** A database with a generated catalogue of this size; it is kept for the next time. */
export async function catalogueOf(products: number): Promise<{ database: ProvidedDatabase; serverPid: number }> {
  const folder = path.join(root, `.data/bench-${products}`);
  const env = { PATH: process.env.PATH, ENV_FILE: '', DATA_DIR: folder };
  const done = path.join(folder, 'generated');
  if (!existsSync(done)) {
    await rm(folder, { recursive: true, force: true });
    const words = ['tools/src/cli/generate.ts', '--products', String(products)];
    const child = spawn(process.execPath, words, { cwd: root, env, stdio: 'inherit' });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`the catalogue of ${products} products could not be generated`);
    await writeFile(done, '');
  }
  const database = await provideDatabase(env);
  await prepareDatabase(database);
  const { serverPid } = JSON.parse(await readFile(path.join(folder, 'connection.json'), 'utf8'));
  return { database, serverPid: Number(serverPid) };
}
