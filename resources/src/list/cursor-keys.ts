import { hkdfSync } from 'node:crypto';
import type { Database } from '@shop/db/connection/connection.ts';
import { readCursorKeys } from '@shop/db/cursor-keys.ts';
import type { ServiceAccount } from '@shop/db/settings.ts';
import { forAll } from '@shop/service-kit/deadline.ts';

/** Milliseconds after which keys that are used are read again, and those between two reads for signatures that nobody knows. */
const readAgain = { used: 60_000, unknown: 1_000 };

/** The keys of a service's cursors: those of `CURSOR_KEY`, or else the database's, which all replicas share. */
export class CursorKeys {
  readonly #read: (() => Promise<Buffer[]>) | undefined;
  #keys: Buffer[];
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(given: Buffer[] | (() => Promise<Buffer[]>)) {
    this.#read = typeof given === 'function' ? given : undefined;
    this.#keys = typeof given === 'function' ? [] : given;
  }

  /** The first signs, all verify. */
  get all(): Buffer[] {
    return this.#keys;
  }

  /** Reads them; who calls while they are being read waits for the same. */
  async load(): Promise<void> {
    const read = this.#read;
    if (!read) return;
    this.#reading ??= forAll(read)
      .then((keys) => {
        this.#keys = keys;
      })
      .finally(() => {
        this.#readAt = performance.now();
        this.#reading = undefined;
      });
    await this.#reading;
  }

  /** Makes sure that there are keys. Those that were read a while ago are read again, and nobody waits for that. */
  async ready(): Promise<void> {
    if (!this.#read) return;
    if (this.#keys.length === 0) await this.load();
    // What fails now is tried again with the next page; until then the keys are as good as before.
    else if (performance.now() - this.#readAt > readAgain.used) void this.load().catch(() => {});
  }

  /** Reads them again for a signature that none has made; false when that has just been done, for whoever makes signatures up. */
  async reload(): Promise<boolean> {
    if (!this.#read || (!this.#reading && performance.now() - this.#readAt < readAgain.unknown)) return false;
    await this.load();
    return true;
  }
}

const ofDatabases = new WeakMap<Database, CursorKeys>();

/**
 * Says which keys the lists of a database sign with; before the first list is made.
 * @param configured the keys of `CURSOR_KEY`, where it is set
 */
export function useCursorKeys(db: Database, account: ServiceAccount, configured: string[] = []): CursorKeys {
  const derived = configured.map((key) => Buffer.from(hkdfSync('sha256', key, '', `cursor:${account}`, 32)));
  const keys = new CursorKeys(derived.length > 0 ? derived : () => readCursorKeys(db, account));
  ofDatabases.set(db, keys);
  return keys;
}

export function cursorKeysOf(db: Database): CursorKeys {
  const keys = ofDatabases.get(db);
  if (!keys) throw new Error('no keys for cursors: useCursorKeys comes before the first list');
  return keys;
}
