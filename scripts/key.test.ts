import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { digestOf } from '@shop/gateway/guards/api-key.ts';

const root = path.join(import.meta.dirname, '..');

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'shop-key-'));
  file = path.join(folder, 'made', 'keys');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs the command to its end. */
async function key(...words: string[]) {
  const env = { PATH: process.env.PATH, ENV_FILE: '', API_KEYS_FILE: file };
  return promisify(execFile)(process.execPath, ['scripts/key.ts', ...words], { cwd: root, env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code: Number(code), stdout: String(stdout), stderr: String(stderr) }),
  );
}

const content = () => readFile(file, 'utf8');

describe('npm run key', () => {
  test('When a key is made, then it is printed, and the file has its digest, for its owner alone', async () => {
    const { code, stdout, stderr } = await key('create', 'shop', '--scope', 'write');

    const text = stdout.trim();
    expect(code).toBe(0);
    expect(text).toMatch(/^shop_[\w-]{43}$/);
    expect(await content()).toBe(`shop write ${digestOf(text).toString('hex')}\n`);
    expect((await content()) + stderr).not.toContain(text);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test('When there are keys, then they are listed by name and scope', async () => {
    await key('create', 'shop', '--scope', 'write');
    await key('create', 'office', '--scope', 'read');

    expect((await key('list')).stdout).toBe('write  shop\nread   office\n');
  });

  test('When one is revoked, then it alone is gone, and the rest of the file and its mode are as they were', async () => {
    await key('create', 'shop', '--scope', 'write');
    const kept = `# ours\n${await content()}`;
    await writeFile(file, kept);
    await chmod(file, 0o644);
    await key('create', 'office', '--scope', 'read');

    const { code } = await key('revoke', 'office');

    expect(code).toBe(0);
    expect(await content()).toBe(kept);
    expect((await stat(file)).mode & 0o777).toBe(0o644);
    expect(await readdir(path.dirname(file))).toEqual(['keys']);
  });

  test.each([
    [['create', 'shop', '--scope', 'write'], /^a key named shop already exists$/],
    [['create', 'two words', '--scope', 'write'], /^a name is at most 64 letters/],
    [['create', '#x', '--scope', 'write'], /^a name is at most 64 letters/],
    [['revoke', 'nobody'], /^there is no key named nobody$/],
    [['create', 'other'], /^Usage: /],
    [['create', 'other', '--scope', 'all'], /^Usage: /],
    [['create', '--scope', 'read'], /^Usage: /],
    [['list', '--all'], /^Usage: /],
    [[], /^Usage: /],
  ])('When it is called with %j, then it says why not in one line, and nothing changes', async (words, message) => {
    await key('create', 'shop', '--scope', 'write');
    const before = await content();

    const { code, stdout, stderr } = await key(...words);

    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.trim()).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(await content()).toBe(before);
    expect(await readdir(path.dirname(file))).toEqual(['keys']);
  });

  test('When several keys are made at once, then each that was printed is in the file', async () => {
    const made = await Promise.all(['a', 'b', 'c', 'd'].map((name) => key('create', name, '--scope', 'read')));

    const digests = made
      .filter(({ code }) => code === 0)
      .map(({ stdout }) => digestOf(stdout.trim()).toString('hex'))
      .toSorted();
    const lines = (await content()).trim().split('\n');
    expect(digests.length).toBeGreaterThan(0);
    expect(lines.map((line) => line.split(' ')[2]).toSorted()).toEqual(digests);
  });

  test('When no file is named, then it says which setting names one', async () => {
    file = '';

    expect(await key('list')).toMatchObject({ code: 1, stderr: expect.stringContaining('API_KEYS_FILE is missing') });
  });
});
