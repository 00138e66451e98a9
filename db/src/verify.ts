import type { ModelAttributeColumnOptions } from 'sequelize';
import { type Database, select } from './connection.ts';
import { hasErrno, SchemaError } from './errors.ts';
import { pendingMigrations } from './migrate.ts';
import { verifySearch } from './search/server.ts';

interface ColumnRow {
  table_name: string;
  column_name: string;
  column_type: string;
  is_nullable: 'YES' | 'NO';
  column_default: string | null;
  extra: string;
}

/**
 * Compares the models with the database, and what searches need with its server.
 * @throws {SchemaError} naming the first migration that is missing, every column that differs, or the setting that is wrong
 */
export async function verifySchema(db: Database): Promise<void> {
  const pending = await pendingMigrations(db).catch((error) => {
    if (hasErrno(error, 'tableAccessDenied')) return ['all'];
    throw error;
  });
  if (pending.length > 0) {
    throw new SchemaError(
      `The database is older than this release: migration ${pending[0]} has not run. Run "npm run db:schema" (or "docker compose run --rm migrate").`,
    );
  }
  const differences = await schemaDifferences(db);
  if (differences.length > 0) {
    throw new SchemaError(`The database differs from the models: ${differences.join('; ')}.`);
  }
  await verifySearch(db);
}

/**
 * What the models expect and the database does not have, one sentence each. Columns that no model knows are left alone
 * (a newer release may have added them) unless a row cannot be inserted without them.
 */
export async function schemaDifferences(db: Database): Promise<string[]> {
  const columns = await select<ColumnRow>(
    db,
    `SELECT table_name AS table_name, column_name AS column_name, column_type AS column_type,
            is_nullable AS is_nullable, column_default AS column_default, extra AS extra
     FROM information_schema.columns WHERE table_schema = DATABASE()`,
  );
  const differences: string[] = [];
  for (const model of Object.values(db.models)) {
    const table = String(model.getTableName());
    const here = new Map(columns.filter((row) => row.table_name === table).map((row) => [row.column_name, row]));
    if (here.size === 0) {
      differences.push(`table ${table} is missing`);
      continue;
    }
    const attributes = Object.entries(model.getAttributes()) as [string, ModelAttributeColumnOptions][];
    for (const [key, attribute] of attributes) {
      const name = attribute.field ?? key;
      const column = here.get(name);
      here.delete(name);
      if (!column) {
        differences.push(`column ${table}.${name} is missing`);
        continue;
      }
      const expected = normalType(String((attribute.type as { toSql?: () => string }).toSql?.() ?? attribute.type));
      const actual = normalType(column.column_type);
      if (expected !== actual) differences.push(`column ${table}.${name} is ${actual}, not ${expected}`);
      const nullable = attribute.allowNull !== false && !attribute.primaryKey;
      if (nullable !== (column.is_nullable === 'YES')) {
        differences.push(`column ${table}.${name} must ${nullable ? '' : 'not '}accept NULL`);
      }
    }
    for (const [name, column] of here) {
      const filled =
        column.is_nullable === 'YES' ||
        column.column_default !== null ||
        /generated|auto_increment/i.test(column.extra);
      if (!filled) differences.push(`column ${table}.${name} is required, but no model knows it`);
    }
  }
  return differences;
}

/** A column type in one spelling: MariaDB shows display widths and stores JSON as text. */
function normalType(type: string): string {
  const lower = type.toLowerCase().replace('integer', 'int').replace('json', 'longtext');
  return lower.replace(/^(int|bigint|smallint|tinyint)\(\d+\)/, '$1');
}
