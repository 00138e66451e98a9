import { timingSafeEqual } from 'node:crypto';
import { type StatsListener, unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { ConfigError } from '@shop/service-kit/config.ts';
import type { Logger } from '@shop/service-kit/logger.ts';
import { type ApiKey, digestOf, parseKeys } from './api-key.ts';

/** Milliseconds from one look at the key file to the next. Polled, since what is mounted or renamed does not always notify. */
const interval = 1_000;

/** The keys that are good at the moment. */
export interface KeyRing {
  /**
   * The key that has this text. It is looked up by its digest, of which nobody can choose a part, and compared in a time that says
   * nothing of how alike two are.
   */
  find(text: string): ApiKey | undefined;
  /** Stops watching the file. */
  close(): void;
}

/**
 * Reads a key file of {@link parseKeys}.
 * @throws {ConfigError} when it cannot be read, or is not valid
 */
export async function readKeys(file: string): Promise<ApiKey[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const help = error.code === 'EACCES' ? `; it must be readable by the user with the id ${process.getuid?.()}` : '';
    throw new ConfigError(`the key file ${file} cannot be read (${error.code})${help}`);
  });
  return parseKeys(text, file);
}

const byDigest = (keys: ApiKey[]): Map<string, ApiKey> => new Map(keys.map((key) => [key.digest.toString('hex'), key]));

/**
 * Reads the key file, and again within about a second of each change. A file that is not valid by then, or is gone, is logged,
 * and the keys that were good stay so.
 * @throws {ConfigError} when it cannot be read, or is not valid, to begin with
 */
export async function watchKeys(file: string, logger: Logger): Promise<KeyRing> {
  let keys = byDigest(await readKeys(file));
  const reread: StatsListener = () => {
    readKeys(file).then(
      (fresh) => {
        keys = byDigest(fresh);
        logger.info({ clients: fresh.map(({ name }) => name) }, 'keys reloaded');
      },
      (error: Error) => logger.error(`key reload failed, keeping the previous keys: ${error.message}`),
    );
  };
  watchFile(file, { interval, persistent: false }, reread);
  return {
    find: (text) => {
      const digest = digestOf(text);
      const key = keys.get(digest.toString('hex'));
      return key && timingSafeEqual(key.digest, digest) ? key : undefined;
    },
    close: () => unwatchFile(file, reread),
  };
}
