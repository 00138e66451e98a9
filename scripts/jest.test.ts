import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'shop-rerun-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A test file that notes each of its runs in `runs`, and fails in the first `failures` of them. */
const addTestFile = (name: string, failures: number) =>
  writeFile(
    path.join(folder, `${name}.test.cjs`),
    `const { appendFileSync, readFileSync } = require('node:fs');
     test('${name}', () => {
       appendFileSync('${folder}/runs', '${name}\\n');
       const runs = readFileSync('${folder}/runs', 'utf8').split('\\n').filter((line) => line === '${name}').length;
       expect(runs).toBeGreaterThan(${failures});
     });`,
  );

/** Runs the files as `npm test` runs those of promised times. */
async function runWithRerun(): Promise<{ code: number; output: string; runs: string[] }> {
  const config = JSON.stringify({ rootDir: folder, testMatch: ['**/*.test.cjs'], transform: {} });
  const source = `import { jestWithRerun } from ${JSON.stringify(path.join(import.meta.dirname, 'jest.ts'))};
    process.exit(await jestWithRerun(['--config', ${JSON.stringify(config)}]));`;
  const program = path.join(folder, 'run.ts');
  await writeFile(program, source);
  const [code, output] = await new Promise<[number, string]>((resolve) => {
    const child = execFile(process.execPath, [program], (_, out, err) => resolve([child.exitCode ?? -1, out + err]));
  });
  const runs = await readFile(path.join(folder, 'runs'), 'utf8');
  return { code, output, runs: runs.trim().split('\n').toSorted() };
}

test('When all files pass, then none runs again', async () => {
  await addTestFile('first', 0);

  const { code, runs } = await runWithRerun();

  expect({ code, runs }).toEqual({ code: 0, runs: ['first'] });
});

test('When a file fails once, then it alone runs again, is named, and the run passes', async () => {
  await addTestFile('steady', 0);
  await addTestFile('stalled', 1);

  const { code, output, runs } = await runWithRerun();

  expect({ code, runs }).toEqual({ code: 0, runs: ['stalled', 'stalled', 'steady'] });
  expect(output).toMatch(/\*\*\* RERUN: .*stalled\.test\.cjs failed once and then passed\. \*\*\*/);
});

test('When a file fails twice, then the run fails', async () => {
  await addTestFile('broken', 2);

  const { code, output } = await runWithRerun();

  expect(code).toBe(1);
  expect(output).toMatch(/\*\*\* RERUN: .*broken\.test\.cjs failed once and then failed again\. \*\*\*/);
});
