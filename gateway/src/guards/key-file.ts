import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from '@shop/service-kit/config.ts';
import { type ApiKey, digestOf, generateKey, isKeyName, lineOf, parseKeys, type Scope } from './api-key.ts';

/**
 * Replaces the key file by what `change` makes of its text. It is written aside and renamed, so that a gateway reads the old one or
 * the new one; the file aside also keeps a second command away meanwhile. Mode and owner stay as they were; a file that is new is
 * for its owner alone.
 */
async function replaceKeyFile(file: string, change: (text: string, keys: ApiKey[]) => string): Promise<void> {
  const aside = `${file}.new`;
  await mkdir(path.dirname(file), { recursive: true });
  const handle = await open(aside, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new ConfigError(`another command is changing the keys; if it was interrupted, delete ${aside}`);
  });
  try {
    const known = await stat(file).catch(() => undefined);
    const text = known ? await readFile(file, 'utf8') : '';
    await handle.writeFile(change(text, parseKeys(text, file)));
    if (known) {
      const { uid, gid } = await handle.stat();
      if (uid !== known.uid || gid !== known.gid) await handle.chown(known.uid, known.gid);
      await handle.chmod(known.mode & 0o777);
    }
    await handle.sync();
    await rename(aside, file);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Makes a key, and adds its digest to the key file, which it creates where there is none.
 * @returns the key, which stands nowhere else
 * @throws {ConfigError} for a name that is taken, or cannot be one
 */
export async function createKey(file: string, name: string, scope: Scope): Promise<string> {
  if (!isKeyName(name)) {
    throw new ConfigError('a name is at most 64 letters, digits, "_", "." and "-", and begins with a letter or digit');
  }
  const key = generateKey();
  await replaceKeyFile(file, (text, keys) => {
    if (keys.some((known) => known.name === name)) throw new ConfigError(`a key named ${name} already exists`);
    const end = text === '' || text.endsWith('\n') ? '' : '\n';
    return `${text}${end}${lineOf({ name, scope, digest: digestOf(key) })}\n`;
  });
  return key;
}

/**
 * Takes a key out of the key file; what else stands there stays.
 * @throws {ConfigError} when there is none of this name
 */
export async function revokeKey(file: string, name: string): Promise<void> {
  await replaceKeyFile(file, (text, keys) => {
    if (!keys.some((key) => key.name === name)) throw new ConfigError(`there is no key named ${name}`);
    return text
      .split('\n')
      .filter((line) => line.trim().split(/\s/)[0] !== name)
      .join('\n');
  });
}
