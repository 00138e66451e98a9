import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import type { ModelAttributeColumnOptions } from 'sequelize';
import { namedIndexes } from './differences.ts';
import { repairSchema } from './repair.ts';
import { expectedTables, readTables, renderSnapshot, snapshotFile } from './snapshot.ts';

const root = path.join(import.meta.dirname, '../../..');

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** A column's type and whether it accepts NULL, as a model says it, in the spelling of the snapshot. */
function columnOf(attribute: ModelAttributeColumnOptions): string {
  const type = (attribute.type as { toSql(): string }).toSql().toLowerCase();
  const spelled = type.replace('integer', 'int').replace(/,(?=\d)/, ', ');
  return `${spelled}${attribute.allowNull === false || attribute.primaryKey ? ' NOT NULL' : ''}`;
}

describe('db/schema.sql', () => {
  test('When all migrations have run, then it is what they make; if not: npm run db:snapshot', async () => {
    expect(renderSnapshot(await readTables(database.db))).toBe(await readFile(snapshotFile, 'utf8'));
  });

  test('When the models are compared with it, then each column is there, with its type', async () => {
    const tables = new Map((await expectedTables()).map((table) => [table.name, table.columns]));
    const inModels: string[] = [];
    const inTables: string[] = [];
    for (const [table, model] of Object.entries(database.db.models)) {
      for (const [name, attribute] of Object.entries(model.getAttributes())) {
        const column = tables.get(table)?.get(name) ?? 'missing';
        const type = /^\w+(?:\([^)]*\))?(?: unsigned)?/.exec(column)?.[0];
        inModels.push(`${table}.${name} ${columnOf(attribute as ModelAttributeColumnOptions)}`);
        inTables.push(`${table}.${name} ${type}${column.includes('NOT NULL') ? ' NOT NULL' : ''}`);
      }
    }

    expect(inTables).toEqual(inModels);
  });

  test('When statements of the services name an index, then a service does not start without it', async () => {
    const files = (await readdir(root, { recursive: true })).filter((file) =>
      /^(?:db|resources|catalog-service|tagging-service)\/src\/.*(?<!\.test)\.ts$/.test(file),
    );
    const sources = await Promise.all(files.map((file) => readFile(path.join(root, file), 'utf8')));
    const named = sources.flatMap((source) => [...source.matchAll(/FORCE INDEX \((\w+)\)/g)].map(([, name]) => name));

    expect(new Set(named.filter((name) => name !== 'PRIMARY'))).toEqual(namedIndexes);
  });

  test('When every table is gone, then the statements that mend it make them all as they were', async () => {
    const own = await createTestDatabase();
    const { sequelize } = own.db;
    const names = (await expectedTables()).map(({ name }) => `\`${name}\``).join(', ');
    await sequelize.query(`SET FOREIGN_KEY_CHECKS = 0`);
    await sequelize.query(`DROP TABLE ${names}`);

    const failures: string[] = [];
    for await (const { failure } of repairSchema(own.db, ['structure', 'index', 'rule'])) {
      if (failure) failures.push(failure);
    }

    expect(failures).toEqual([]);
    expect(renderSnapshot(await readTables(own.db))).toBe(await readFile(snapshotFile, 'utf8'));
    await own.drop();
  });
});
