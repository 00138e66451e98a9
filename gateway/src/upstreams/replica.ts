/**
 * What is known of a replica: it says that it is `ready` or `unready`, it cannot be reached (`away`), or it takes connections
 * and says nothing (`silent`). Nothing is known of a new one.
 */
export type ReplicaState = 'unknown' | 'ready' | 'unready' | 'away' | 'silent';

/** Milliseconds that a replica has to say whether it is ready. */
const patience = 1_500;

/** Milliseconds by which a time-out may be late on a machine that has time for this process. */
const tolerance = 100;

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
  /** When it last began an answer, as `performance.now()` counts. */
  lastAnswer = Number.NEGATIVE_INFINITY;
  readonly inFlight = new Set<Attempt>();

  constructor(url: URL) {
    this.url = url;
  }

  /** Asks it how it is. One that has answered anybody in the meantime is busy, and not silent. */
  async probe(): Promise<ReplicaState> {
    const asked = performance.now();
    const silence = new AbortController();
    const giveUp = () => silence.abort();
    let timer = setTimeout(() => {
      // A time-out that comes late itself says that this process had no time: what has come meanwhile is still to be read.
      if (performance.now() - asked > patience + tolerance) timer = setTimeout(giveUp, tolerance);
      else giveUp();
    }, patience);
    try {
      const response = await fetch(new URL('/health/ready', this.url), { signal: silence.signal });
      await response.arrayBuffer();
      return response.ok ? 'ready' : 'unready';
    } catch {
      if (!silence.signal.aborted) return 'away';
      return this.lastAnswer > asked ? this.state : 'silent';
    } finally {
      clearTimeout(timer);
    }
  }
}
