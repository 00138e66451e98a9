/** Something that holds memory for a client. */
export interface Holder {
  /** Who has it; see `clientOf`. */
  readonly client: string;
  /** Gives up what it holds. It has been released by then. */
  evict(): void;
}

interface Share {
  bytes: number;
  /** Bytes of each, also of those that cannot be evicted; the one that has made no progress for longest is the first. */
  holders: Map<Holder, number>;
}

export interface SharedMemoryOptions {
  /** Bytes of all together. */
  maximum: number;
  /** Bytes that a client may always have. Absent: what others leave, since all of it can be evicted. */
  guaranteed?: number;
  /** Is told of each that gives up what it holds. */
  onEvict?: () => void;
}

/**
 * Memory that all clients share. When there is no more, the client that holds most gives up what has made no progress for longest: so
 * nobody can take it from a client that holds less.
 */
export class SharedMemory {
  readonly #options: SharedMemoryOptions;
  readonly #shares = new Map<string, Share>();
  readonly #settled = new WeakSet<Holder>();
  #held = 0;

  constructor(options: SharedMemoryOptions) {
    this.#options = options;
  }

  /**
   * Lets a holder have so many bytes in all, and counts as its progress.
   * @returns false when there is no room for them; the holder then keeps what it had
   */
  hold(holder: Holder, bytes: number): boolean {
    const { maximum, onEvict } = this.#options;
    if (bytes > maximum) return false;
    const { client } = holder;
    const before = this.#shares.get(client)?.holders.get(holder) ?? 0;
    for (;;) {
      const own = (this.#shares.get(client)?.bytes ?? 0) - before + bytes;
      const isOver = own > this.#mostFor(own - bytes + before);
      if (!isOver && this.#held - before + bytes <= maximum) break;
      const victim = this.#victim(holder, isOver ? Number.POSITIVE_INFINITY : own);
      if (!victim) return false;
      this.release(victim);
      onEvict?.();
      victim.evict();
    }
    this.release(holder);
    const share = this.#shares.get(client) ?? { bytes: 0, holders: new Map() };
    this.#shares.set(client, share);
    share.holders.set(holder, bytes);
    share.bytes += bytes;
    this.#held += bytes;
    return true;
  }

  /** From now on a holder keeps what it has until it is released. */
  settle(holder: Holder): void {
    this.#settled.add(holder);
  }

  /** A holder has nothing any more. */
  release(holder: Holder): void {
    const share = this.#shares.get(holder.client);
    const bytes = share?.holders.get(holder);
    if (!share || bytes === undefined) return;
    share.holders.delete(holder);
    share.bytes -= bytes;
    this.#held -= bytes;
    if (share.holders.size === 0) this.#shares.delete(holder.client);
  }

  /** Half of what others leave to a client that has `bytes`: so what cannot be evicted never fills all of it. */
  #mostFor(bytes: number): number {
    const { maximum, guaranteed } = this.#options;
    return guaranteed === undefined ? maximum : Math.max(guaranteed, (maximum - this.#held + bytes) / 2);
  }

  /** Another holder, of the client that has most: the same client, or one that has more than `bytes`. */
  #victim(holder: Holder, bytes: number): Holder | undefined {
    let victim: Holder | undefined;
    let most = -1;
    for (const [client, share] of this.#shares) {
      if (share.bytes <= most || (client !== holder.client && share.bytes <= bytes)) continue;
      const longest = this.#longest(share, holder);
      if (!longest) continue;
      victim = longest;
      most = share.bytes;
    }
    return victim;
  }

  /** The one of a client that has made no progress for longest. */
  #longest({ holders }: Share, except: Holder): Holder | undefined {
    for (const holder of holders.keys()) if (holder !== except && !this.#settled.has(holder)) return holder;
    return undefined;
  }
}
