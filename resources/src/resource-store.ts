import type { Transaction } from '@shop/db/connection/connection.ts';
import type { VersionCheck } from '@shop/db/resource-table.ts';
import type { ListPage } from './list/reader.ts';
import type { ListRequest, Selection } from './list/request.ts';
import type { Settlement } from './write/settlement.ts';
import type { Dependents } from './write/steps.ts';

/** A resource that is to be deleted, once `check` has nothing against its version. */
export interface ResourceRemoval {
  id: number;
  check: VersionCheck;
}

/** A resource that is to be changed. */
export interface ResourceChange<Update> extends ResourceRemoval {
  changes: Update;
  /** The changes are a merge patch: what they have in an object is merged with what is there. */
  isMergePatch?: boolean;
}

/** All that a batch is about to do. */
export interface BatchWork<Create, Update> {
  create: Create[];
  update: ResourceChange<Update>[];
  remove: ResourceRemoval[];
}

/**
 * What a resource's store does for its routes; undefined stands for "there is no such id". What writes does so in the caller's
 * transaction, which may hold other writes; `check` is told the version of the row once it is locked.
 */
export interface ResourceStore<Item, Create, Update, Removed, Query = unknown> {
  list(request: ListRequest): Promise<ListPage>;
  /**
   * One resource. `isKnown` is there when the client has named entity tags, and says whether one is among them: a store that
   * can tell the tag before it has read the whole need not read it then, and leaves `item` out.
   */
  get(
    id: number,
    selection: Selection,
    isKnown: ((etag: string) => boolean) | undefined,
  ): Promise<{ item?: Partial<Item>; version: number; etag?: string } | undefined>;
  /** A whole resource, as the transaction sees it. */
  read(transaction: Transaction, id: number): Promise<Item | undefined>;
  /** The entity tag of a whole resource, the same as that of a GET. */
  etag(item: Item): string;
  create(transaction: Transaction, input: Create): Promise<Item>;
  update(
    transaction: Transaction,
    id: number,
    changes: Update,
    check: VersionCheck,
    how?: Pick<ResourceChange<Update>, 'isMergePatch'>,
  ): Promise<Item | undefined>;
  /** What a removal changes before, if anything: `remove` has to settle it. */
  dependents?(id: number, query: Query): Dependents | undefined;
  remove(
    transaction: Transaction,
    id: number,
    check: VersionCheck,
    how: { query: Query; settlement: Settlement },
  ): Promise<Removed | undefined>;
  /**
   * Locks what a batch is about to write, in the order of docs/decisions/0011-lock-order.md.
   * @returns the version that each resource has which it changes or deletes, by id
   */
  lock(transaction: Transaction, batch: BatchWork<Create, Update>): Promise<Map<number, number>>;
  /**
   * The same as {@link create} for many, with few statements; without it, they are created one by one. All of them or, when it
   * throws, none: it need not say which is at fault.
   */
  createMany?(transaction: Transaction, inputs: Create[]): Promise<Item[]>;
  /** Likewise. No id is there twice. */
  updateMany?(transaction: Transaction, updates: ResourceChange<Update>[]): Promise<(Item | undefined)[]>;
  /** Likewise, for a store without `dependents`. */
  removeMany?(transaction: Transaction, removals: ResourceRemoval[]): Promise<(Removed | undefined)[]>;
}
