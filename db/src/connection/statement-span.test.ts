import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { format } from 'mysql2';
import { statementText } from './statement-span.ts';

describe('statementText', () => {
  test.each([
    ['SELECT * FROM `product` WHERE id = ? LIMIT 50', 'SELECT * FROM `product` WHERE id = ? LIMIT ?'],
    [
      "UPDATE tag SET name = 'O''Neil \\' x', n=-1.5e3 WHERE id IN (1,2, 3)",
      'UPDATE tag SET name = ?, n=? WHERE id IN (?, …)',
    ],
    ['INSERT INTO t (a, b) VALUES (1, "x"), (2, "y"),(3, "z")', 'INSERT INTO t (a, b) VALUES (?, …), …'],
    ['SELECT utf8mb4_520, t1.c2 FROM t1\n  WHERE c = 0xFF', 'SELECT utf8mb4_520, t1.c2 FROM t1 WHERE c = ?'],
    [`SELECT '${'x'.repeat(10_000)}' AS a`, 'SELECT ?'],
    [`SELECT ${'a, '.repeat(1_000)}b`, `${`SELECT ${'a, '.repeat(1_000)}`.slice(0, 1_024)}…`],
  ])('When the statement is %.60s, then its text has no values and is short', (sql, expected) => {
    expect(statementText(sql)).toBe(expected);
  });

  test('When values stand in the text of a statement, whatever they are, then none is shown', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    fc.assert(
      fc.property(value, value, (first, second) => {
        const sql = format('INSERT INTO t (a, b) VALUES (?, ?)', [first, second]);
        expect(statementText(sql)).toBe('INSERT INTO t (a, b) VALUES (?, …)');
      }),
    );
  });
});
