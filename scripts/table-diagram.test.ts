import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { expectedTables, parseSnapshot } from '@shop/db/schema/snapshot.ts';
import { architectureFile, renderTables, withTables } from './table-diagram.ts';

test('When the tables of db/schema.sql are drawn, then docs/architecture.md has the same diagram', async () => {
  const document = await readFile(architectureFile, 'utf8');

  expect(document).toContain('erDiagram');
  expect(document).toBe(withTables(document, await expectedTables()));
});

test('When tables refer to each other, then the diagram says how many rows there may be at each end', () => {
  const tables = parseSnapshot(`
CREATE TABLE \`shelf\` (
  \`id\` int unsigned NOT NULL AUTO_INCREMENT,
  \`code\` varchar(8),
  PRIMARY KEY (\`id\`),
  UNIQUE KEY \`shelf_code\` (\`code\`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE \`box\` (
  \`id\` int unsigned NOT NULL,
  \`shelf_id\` int unsigned,
  PRIMARY KEY (\`id\`),
  CONSTRAINT \`box_shelf\` FOREIGN KEY (\`shelf_id\`) REFERENCES \`shelf\` (\`id\`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE \`label\` (
  \`id\` int unsigned NOT NULL,
  PRIMARY KEY (\`id\`),
  CONSTRAINT \`label_box\` FOREIGN KEY (\`id\`) REFERENCES \`box\` (\`id\`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
`);

  expect(renderTables(tables).split('\n')).toEqual([
    'erDiagram',
    '  shelf |o--o{ box : shelf_id',
    '  box ||--o| label : id',
    '  shelf {',
    '    int id PK',
    '    varchar code UK "or null"',
    '  }',
    '  box {',
    '    int id PK',
    '    int shelf_id FK "or null"',
    '  }',
    '  label {',
    '    int id PK, FK',
    '  }',
  ]);
});
