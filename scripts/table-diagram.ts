// `npm run db:snapshot` ends with this: it draws the tables of db/schema.sql into docs/architecture.md.

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expectedTables } from '@shop/db/schema/snapshot.ts';
import type { TableDefinition } from '@shop/db/schema/table-definition.ts';

export const architectureFile = path.join(import.meta.dirname, '../docs/architecture.md');

/** The columns of an index or of either side of a foreign key: `` (`a`, `b`) `` as `['a', 'b']`. */
const namesIn = (sql: string): string[] => [...sql.matchAll(/`(\w+)`/g)].map(([, name]) => String(name));

interface ForeignKey {
  columns: string[];
  parent: string;
}

const foreignKeysOf = ({ constraints }: TableDefinition): ForeignKey[] =>
  [...constraints.values()].flatMap(({ kind, sql }) => {
    const [, columns = '', parent = ''] = /^FOREIGN KEY \((.*?)\) REFERENCES `(\w+)`/.exec(sql) ?? [];
    return kind === 'FOREIGN KEY' ? [{ columns: namesIn(columns), parent }] : [];
  });

const primaryKeyOf = ({ indexes }: TableDefinition): string[] =>
  namesIn(indexes.get('PRIMARY')?.columns.join(', ') ?? '');

const isRequired = (definition = ''): boolean => definition.includes('NOT NULL');

/** One line per column: type, name, keys, and whether it may be null. */
function entityOf(table: TableDefinition): string {
  const primary = primaryKeyOf(table);
  const foreign = foreignKeysOf(table).flatMap(({ columns }) => columns);
  const unique = [...table.indexes.values()].filter(({ kind }) => kind === 'UNIQUE KEY');
  const lines = Array.from(table.columns, ([name, definition]) => {
    const keys = [
      ...(primary.includes(name) ? ['PK'] : []),
      ...(foreign.includes(name) ? ['FK'] : []),
      ...(unique.some(({ columns }) => namesIn(columns.join()).join() === name) ? ['UK'] : []),
    ].join(', ');
    const type = /^\w+/.exec(definition)?.[0];
    return ['   ', type, name, keys, isRequired(definition) ? '' : '"or null"'].filter((part) => part).join(' ');
  });
  return `  ${table.name} {\n${lines.join('\n')}\n  }`;
}

/** One line per foreign key, the parent on the left. A key that is the whole primary key has one row for each parent at most. */
function relationsOf(table: TableDefinition): string[] {
  return foreignKeysOf(table).map(({ columns, parent }) => {
    const one = columns.every((name) => isRequired(table.columns.get(name))) ? '||' : '|o';
    const many = columns.join() === primaryKeyOf(table).join() ? 'o|' : 'o{';
    return `  ${parent} ${one}--${many} ${table.name} : ${columns.join('_')}`;
  });
}

/** The tables and their foreign keys as an ER diagram in Mermaid. */
export const renderTables = (tables: TableDefinition[]): string =>
  ['erDiagram', ...tables.flatMap(relationsOf), ...tables.map(entityOf)].join('\n');

/** A document with the diagram between its two marks. */
export const withTables = (document: string, tables: TableDefinition[]): string =>
  document.replace(
    /(<!-- tables -->)[\s\S]*(<!-- end of tables -->)/,
    (_, begin, end) => `${begin}\n\n\`\`\`mermaid\n${renderTables(tables)}\n\`\`\`\n\n${end}`,
  );

if (import.meta.main) {
  await writeFile(architectureFile, withTables(await readFile(architectureFile, 'utf8'), await expectedTables()));
}
