import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect, type Database, disconnect, select } from '@shop/db/connection/connection.ts';
import { type EmbeddedDatabase, startEmbedded } from './embedded.ts';
import { memoryLimits, memoryOptions } from './server-memory.ts';

let folder: string;
let server: EmbeddedDatabase;
let db: Database;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'shop-memory-'));
  server = await startEmbedded({ folder, database: '', durable: false });
  db = connect(server.owner);
});
afterAll(async () => {
  await disconnect(db);
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

test('When the embedded server runs, then its sessions and temporary tables have the memory that they may have', async () => {
  const limits = memoryLimits[server.program.startsWith('mariadb') ? 'mariadb' : 'mysql'];

  const rows = await select<{ Variable_name: string; Value: string }>(db, 'SHOW GLOBAL VARIABLES');
  const values = new Map(rows.map(({ Variable_name: name, Value: value }) => [name, value]));

  expect(Object.keys(limits).map((name) => [name, values.get(name)])).toEqual(
    Object.entries(limits).map(([name, value]) => [name, String(value)]),
  );
});

test('When Docker runs the database, then it has the same limits, and its container has one, too', async () => {
  const compose = await readFile(path.join(import.meta.dirname, '../../docker-compose.yml'), 'utf8');
  const [, mysql = ''] = /^ {2}mysql:\n([\s\S]*?)\n\n {2}\S/m.exec(compose) ?? [];

  for (const option of memoryOptions('mysql')) expect(mysql).toContain(option.replace('loose-', ''));
  expect(mysql).toMatch(/^ {4}mem_limit: \d+g$/m);
});
