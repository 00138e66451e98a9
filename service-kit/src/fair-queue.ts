/** Items that wait, each for a client. The clients have turns, and of each the item that came first: so none waits for all that another has. */
export class FairQueue<T extends { readonly client: string }> {
  /** The client whose turn is next is the first. */
  readonly #queues = new Map<string, Set<T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  sizeOf(client: string): number {
    return this.#queues.get(client)?.size ?? 0;
  }

  add(item: T): void {
    const queue = this.#queues.get(item.client) ?? new Set();
    this.#queues.set(item.client, queue.add(item));
    this.#size++;
  }

  /** Whether it was there. */
  delete(item: T): boolean {
    const queue = this.#queues.get(item.client);
    if (!queue?.delete(item)) return false;
    if (queue.size === 0) this.#queues.delete(item.client);
    this.#size--;
    return true;
  }

  /** Takes the item whose turn it is, of those clients that may have one. */
  take(may: (client: string) => boolean = () => true): T | undefined {
    for (const [client, queue] of this.#queues) {
      if (!may(client)) continue;
      const [item] = queue;
      this.delete(item as T);
      // Behind all others.
      if (this.#queues.delete(client)) this.#queues.set(client, queue);
      return item;
    }
    return undefined;
  }

  /** The first item of the client that has most of them. */
  ofLargest(): T | undefined {
    return this.#largest?.values().next().value;
  }

  /** The last one of that client. */
  lastOfLargest(): T | undefined {
    return [...(this.#largest ?? [])].at(-1);
  }

  get #largest(): Set<T> | undefined {
    let largest: Set<T> | undefined;
    for (const queue of this.#queues.values()) if (queue.size > (largest?.size ?? 0)) largest = queue;
    return largest;
  }
}
