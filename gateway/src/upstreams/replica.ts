/**
 * What is known of a replica: it says that it is `ready` or `unready`, it cannot be reached (`away`), or it takes connections
 * and says nothing (`silent`). Nothing is known of a new one.
 */
export type ReplicaState = 'unknown' | 'ready' | 'unready' | 'away' | 'silent';

/** Milliseconds that a replica has to say whether it is ready. */
const patience = 1_500;

/** Milliseconds within which a process that ends breaks all of its connections. */
const lossInterval = 1_000;

/** Milliseconds from one look at whether it has answered to the next. */
const lookInterval = 100;

/** A request that a replica is at work on. */
export interface Attempt {
  /** Told when the replica answers nobody any more. */
  abandon(): void;
}

/** One of the processes that a service runs as. */
export class Replica {
  /** Where it is; the host is an address, unless a certificate has to match its name. */
  readonly url: URL;
  state: ReplicaState = 'unknown';
  /** Whether it has been ready. */
  hasServed = false;
  /** When it last began an answer, as `performance.now()` counts. */
  lastAnswer = Number.NEGATIVE_INFINITY;
  readonly inFlight = new Set<Attempt>();
  #loss = { at: Number.NEGATIVE_INFINITY };

  constructor(url: URL) {
    this.url = url;
  }

  /** Its loss, which is the same for all connections that it breaks within a second. */
  lossNow(): object {
    const now = performance.now();
    if (now - this.#loss.at > lossInterval) this.#loss = { at: now };
    return this.#loss;
  }

  /** Asks it how it is. One that answers others meanwhile is busy, and not silent. */
  async probe(): Promise<ReplicaState> {
    const silence = new AbortController();
    const endWaiting = this.#whenSilent(() => silence.abort());
    try {
      const response = await fetch(new URL('/health/ready', this.url), { signal: silence.signal });
      await response.arrayBuffer();
      return response.ok ? 'ready' : 'unready';
    } catch {
      return silence.signal.aborted ? 'silent' : 'away';
    } finally {
      endWaiting();
    }
  }

  /** Tells when it has answered nobody for as long as it may, from now on; the function that it returns ends the waiting. */
  #whenSilent(tell: () => void): () => void {
    let last = this.lastAnswer;
    let silence = 0;
    const timer = setInterval(() => {
      // However late it is, a look counts as one interval: a process that has no time does not notice an answer either.
      silence = this.lastAnswer === last ? silence + lookInterval : 0;
      last = this.lastAnswer;
      if (silence < patience) return;
      clearInterval(timer);
      tell();
    }, lookInterval);
    return () => clearInterval(timer);
  }
}
