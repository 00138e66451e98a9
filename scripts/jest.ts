import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');

/** Runs Jest with this terminal and resolves to its exit code. */
export async function jest(words: string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const program = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
  ];
  const child = spawn(process.execPath, [...program, ...words], { cwd: root, env, stdio: 'inherit' });
  const [code] = await once(child, 'exit').catch(() => [127]);
  return code ?? 1;
}

/** The part of Jest's JSON report that tells which files failed, and why the run failed where no file did. */
interface Report {
  testResults: { name: string; status: string }[];
  wasInterrupted: boolean;
}

/** The report is absent when Jest did not get as far as writing one. */
async function failedFiles(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const report = JSON.parse(text) as Report;
  if (report.wasInterrupted) return [];
  return report.testResults.filter(({ status }) => status === 'failed').map(({ name }) => name);
}

/**
 * Runs test files that check promised times, one after the other. A stalled machine can make one fail, so a file that failed
 * runs once more, alone, and is named at the end. A file that fails twice has failed.
 * @param words of Jest's command line, before the files
 * @returns the exit code: 0 when each file passed at the first or the second run
 */
export async function jestWithRerun(words: string[], files: string[] = [], env?: NodeJS.ProcessEnv): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), 'shop-jest-'));
  try {
    const outputFile = path.join(folder, 'report.json');
    const common = [...words, '--runInBand'];
    const code = await jest([...common, '--json', `--outputFile=${outputFile}`, '--', ...files], env);
    if (code === 0) return 0;
    const failed = await failedFiles(outputFile);
    if (failed.length === 0) return code;
    const outcomes: [string, number][] = [];
    for (const file of failed) {
      const name = path.relative(root, file);
      console.log(`\n*** FAILED, RUNS ONCE MORE, ALONE: ${name} ***\n`);
      outcomes.push([name, await jest([...common, '--runTestsByPath', file], env)]);
    }
    console.log('');
    for (const [name, again] of outcomes) {
      console.log(`*** RERUN: ${name} failed once and then ${again === 0 ? 'passed' : 'failed again'}. ***`);
    }
    return Math.max(...outcomes.map(([, again]) => again));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
