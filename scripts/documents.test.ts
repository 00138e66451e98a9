import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const root = path.join(import.meta.dirname, '..');

const inFolder = async (folder: string) =>
  (await readdir(path.join(root, folder)))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(folder, name));

const documents = (
  await Promise.all(['.', 'docs', 'docs/decisions', 'docs/observability', 'bench'].map(inFolder))
).flat();

const ignored = ['.git', '.data', 'coverage', 'node_modules'];
const folders = (await readdir(root, { withFileTypes: true }))
  .filter((entry) => entry.isDirectory() && !ignored.includes(entry.name))
  .map(({ name }) => name);
const files = await Promise.all(folders.map((folder) => readdir(path.join(root, folder), { recursive: true })));
const fileNames = new Set(files.flat().map((file) => path.basename(file)));

/** Not in a checkout: key files, and migrations yet to be written. */
const made = ['keys/', 'db/migrations/NNNN'];

/** What stands between backticks and begins with a folder of the checkout, or names a test. */
function filesNamedIn(text: string): string[] {
  const names = [...text.matchAll(/`([\w.@-]+(?:\/[\w.@-]+)*\/?)`/g)].map(([, name]) => String(name));
  const isPath = (name: string) => name.includes('/') && folders.includes(name.split('/')[0] as string);
  return names.filter((name) => isPath(name) || name.endsWith('.test.ts'));
}

const isThere = (name: string): boolean =>
  made.some((prefix) => name.startsWith(prefix)) ||
  existsSync(path.join(root, name)) ||
  (!name.includes('/') && fileNames.has(name));

/** A heading as GitHub makes an anchor of it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

async function anchorsIn(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8');
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(String(heading)));
}

async function isBroken(link: string, document: string): Promise<boolean> {
  const [target = '', anchor] = link.split('#');
  const file = target === '' ? path.join(root, document) : path.join(root, path.dirname(document), target);
  if (!existsSync(file)) return true;
  return anchor !== undefined && !(await anchorsIn(file)).includes(anchor);
}

test.each(documents)('When %s names a file or links to one, then it is there', async (document) => {
  const text = await readFile(path.join(root, document), 'utf8');
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => String(link));
  const own = links.filter((link) => !/^[a-z]+:/.test(link));
  const broken = await Promise.all(own.map((link) => isBroken(link, document)));

  expect(filesNamedIn(text).filter((name) => !isThere(name))).toEqual([]);
  expect(own.filter((_, index) => broken[index])).toEqual([]);
});

test('When a newcomer opens README.md, then it has at most 150 lines', async () => {
  expect((await readFile(path.join(root, 'README.md'), 'utf8')).split('\n').length - 1).toBeLessThanOrEqual(150);
});
