import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const root = path.join(import.meta.dirname, '..');

/** What curl 7.81, that of Ubuntu 22.04, does not know. */
const newer = /%header\{|--json\b|--url-query\b|--variable\b|--expand-/;

test('When documents show commands for curl, then curl 7.81 knows them', async () => {
  const files = [
    'README.md',
    'CONTRIBUTING.md',
    ...(await readdir(path.join(root, 'docs'))).map((name) => `docs/${name}`),
  ];
  const lines = await Promise.all(
    files
      .filter((file) => file.endsWith('.md'))
      .map(async (file) => (await readFile(path.join(root, file), 'utf8')).split('\n')),
  );
  const commands = lines.flat().filter((line) => /\bcurl\b/.test(line));

  expect(commands.length).toBeGreaterThan(10);
  expect(commands.filter((line) => newer.test(line))).toEqual([]);
});
