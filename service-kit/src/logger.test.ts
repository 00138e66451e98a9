import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { memoryLogger } from '@shop/testing/http.ts';

/** Runs a program that has `logger`, the logger of a service, and resolves to its lines. */
async function linesOf(program: string): Promise<string[]> {
  const start = `import { processLogger } from '${import.meta.dirname}/logger.ts'; const logger = processLogger('shop', 'info');`;
  const words = ['--input-type=module', '--eval', `${start}${program}`];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, words);
  return `${stdout}${stderr}`.trim().split('\n');
}

test('When a library prints something, then it is a line of the log like any other', async () => {
  const lines = await linesOf(`console.warn('Rolling back %s', 'a transaction'); console.error(new Error('lost'));`);

  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 'warn', service: 'shop', msg: 'Rolling back a transaction', source: 'console' },
    { level: 'error', service: 'shop', msg: expect.stringContaining('Error: lost'), source: 'console' },
  ]);
});

test('When an error holds a statement and its values, then its line has neither, and no more text than is read', () => {
  const { logger, lines } = memoryLogger();
  const parent = Object.assign(new Error('x'.repeat(100_000)), {
    code: 'ER_LOCK_DEADLOCK',
    errno: 1213,
    sql: 'secret',
  });
  const err = Object.assign(new Error('deadlock'), { parent, sql: 'INSERT … secret', parameters: ['secret'] });

  logger.warn({ err }, 'failed');

  expect(lines).toMatchObject([
    { err: { type: 'Error', message: 'deadlock', cause: { code: 'ER_LOCK_DEADLOCK', errno: 1213 } } },
  ]);
  expect(JSON.stringify(lines)).not.toContain('secret');
  expect(JSON.stringify(lines).length).toBeLessThan(20_000);
});
