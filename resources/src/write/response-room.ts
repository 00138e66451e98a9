import { type Database, select, type Transaction } from '@shop/db/connection/connection.ts';
import type { ResourceTable } from '@shop/db/models.ts';
import { responseBytes } from '@shop/service-kit/response-bound.ts';
import { claim } from '@shop/service-kit/response-budget.ts';
import type { Effects } from './steps.ts';

/** What the answer to a batch still has room for. */
export class ResponseRoom {
  readonly #bytes: number;
  #left: number;

  constructor(bytes = responseBytes) {
    this.#bytes = bytes;
    this.#left = bytes;
  }

  /** No more resources are answered, nor read: their ids and versions stand for them. */
  get isFull(): boolean {
    return this.#left <= 0;
  }

  take(resource: unknown): void {
    if (this.isFull) return;
    this.#left -= Buffer.byteLength(JSON.stringify(resource) ?? '');
    claim(this.#bytes - this.#left);
  }

  fill(): void {
    this.#left = 0;
  }
}

const rooms = new WeakMap<Transaction, ResponseRoom>();

/** Lets the writes of a transaction answer no more than `room` has. */
export const limitTo = (transaction: Transaction, room: ResponseRoom): void => void rooms.set(transaction, room);

/** The room that the answer of a transaction has; undefined where one resource is all that it answers. */
export const roomOf = (transaction: Transaction): ResponseRoom | undefined => rooms.get(transaction);

/** What stands for a resource in an answer without room. */
export interface Minimal {
  id: number;
  version: number;
  /** Of a delete. */
  effects?: Effects;
}

export const minimal = ({ id, version, effects }: Minimal): Minimal => ({
  id,
  version,
  ...(effects ? { effects } : {}),
});

/**
 * Reads a resource by `whole`, or what stands for it where the answer has no room.
 * @returns undefined when there is no such id
 */
export async function readWithin<Item>(
  db: Database,
  transaction: Transaction,
  table: ResourceTable,
  id: number,
  whole: () => Promise<Item | undefined>,
): Promise<Item | undefined> {
  if (!roomOf(transaction)?.isFull) return whole();
  const sql = `SELECT id, version FROM ${table} WHERE id = $1`;
  return (await select<Minimal>(db, sql, [id], transaction))[0] as Item | undefined;
}
