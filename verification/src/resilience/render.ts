// `node verification/src/resilience/render.ts` writes the matrix into docs/resilience.md.

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Fault, matrix } from './matrix.ts';
import { type Cell, type Column, columns, type Level, type Outcome, type Row } from './row.ts';

export const documentFile = path.join(import.meta.dirname, '../../../docs/resilience.md');

const words: Record<Outcome, string> = {
  ok: '2xx',
  '429 rate_limited': '429',
  '503': '503',
  '503 unavailable': '503',
  '504 upstream_timeout': '504',
  'no answer': 'no answer',
};

const seconds = (milliseconds: number): string => `${milliseconds / 1000} s`;

/** A cell for people: `503 within 2 s`. What says no time has `REQUEST_TIMEOUT_MS`; what has no answer, none. */
export function cellInWords({ answers, within }: Cell): string {
  const statuses = [...new Set(answers.map((answer) => words[answer]))].join(' or ');
  return within === 'timeout' || statuses === words['no answer'] ? statuses : `${statuses} within ${seconds(within)}`;
}

/** How a row ends, for people: `by itself, within 5 s`. */
export const backInWords = ({ how, within }: Row['back']): string =>
  within === undefined ? how : `${how}, within ${seconds(within)}`;

const tested: Record<Level, string> = {
  process: 'processes',
  compose: 'containers',
  'small disk': 'containers',
};

function rowInWords([name, row]: [Fault, Row]): string {
  const made = (Object.entries(row.made) as [Level, string][]).map(([level, how]) => `${tested[level]}: ${how}`);
  const cells = (Object.keys(columns) as Column[]).map((column) => cellInWords(row.cells[column]));
  return `| **${name}**: ${row.when} | ${cells.join(' | ')} | ${backInWords(row.back)} | ${made.join('; ')} |`;
}

/** The matrix as a table in Markdown. */
export function renderTable(): string {
  const heads = ['fault', ...Object.values(columns), 'how it recovers', 'how the tests make it'];
  return [
    `| ${heads.join(' | ')} |`,
    `|${'---|'.repeat(heads.length)}`,
    ...(Object.entries(matrix) as [Fault, Row][]).map(rowInWords),
  ].join('\n');
}

/** A document with the table between its two marks. */
export const withTable = (document: string): string =>
  document.replace(
    /(<!-- matrix -->)[\s\S]*(<!-- end of matrix -->)/,
    (_, begin, end) => `${begin}\n\n${renderTable()}\n\n${end}`,
  );

if (import.meta.main) await writeFile(documentFile, withTable(await readFile(documentFile, 'utf8')));
