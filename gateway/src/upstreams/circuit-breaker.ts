import { createHash } from 'node:crypto';

/** All in milliseconds. */
export interface BreakerTimes {
  /** For which a request is refused that was at two replicas when they were lost; twice as long after each further one. */
  firstPause: number;
  /** For which nothing is sent again after a request that was sent again has lost its second replica, too. */
  retryPause: number;
  /** For which the next one waits for the answer to a suspected request. */
  turn: number;
}

const usualTimes: BreakerTimes = { firstPause: 2_000, retryPause: 2_000, turn: 500 };
const longestPause = 60_000;

/** Milliseconds after its last loss for which a request is suspected, and how many requests are. */
const memory = 600_000;
const most = 1_000;

/** Milliseconds in which all that were at a replica notice that it is lost. */
const gathering = 10;

/** A request that may have to do with the loss of a replica. */
export interface Suspect {
  /** The same for requests that do the same. */
  readonly fingerprint: string;
  /** When it was first sent, as `performance.now()` counts. */
  readonly sentAt: number;
  /** Whether it has lost a replica itself. */
  readonly isRetry: boolean;
  /** It may be sent now. */
  proceed(): void;
  /** It is not sent for so many milliseconds. */
  quarantine(milliseconds: number): void;
}

interface Suspicion {
  /** How many replicas were lost while it was there, and the last of these losses. */
  losses: number;
  loss: object;
  at: number;
  pause: number;
  refusedUntil: number;
  /** The one of its kind that is tried after two losses. */
  trial?: Suspect;
}

/** What requests have in common that do the same. */
export function fingerprintOf(method: string, url: string, body: Buffer | undefined): string {
  const digest = createHash('sha256').update(`${method === 'HEAD' ? 'GET' : method} ${url}\n`);
  if (body) digest.update(body);
  return digest.digest('base64');
}

/**
 * Keeps a request that breaks replicas from breaking them all. Nobody can know which of the requests at a lost replica was the cause, so
 * all of them are suspected until one of their kind is answered: they are sent one at a time, and the latest first, since what breaks a
 * replica takes its time. Who was there at two losses is refused for a while; then one of its kind is tried.
 */
export class CircuitBreaker {
  readonly #isAnyReady: () => boolean;
  readonly #times: BreakerTimes;
  readonly #suspicions = new Map<string, Suspicion>();
  readonly #waiting = new Set<Suspect>();
  #current: Suspect | undefined;
  #turnEnds: NodeJS.Timeout | undefined;
  #noRetryUntil = Number.NEGATIVE_INFINITY;

  /** @param isAnyReady whether there is a replica to be protected */
  constructor(isAnyReady: () => boolean, times: Partial<BreakerTimes> = {}) {
    this.#isAnyReady = isAnyReady;
    this.#times = { ...usualTimes, ...times };
  }

  /** Whether no request is suspected. */
  get isClosed(): boolean {
    return this.#suspicions.size === 0;
  }

  /** Lets a request proceed now or in its turn, or puts it into quarantine. */
  enter(suspect: Suspect): void {
    const suspicion = this.#suspicionOf(suspect);
    if (!suspicion) {
      suspect.proceed();
      return;
    }
    if (suspicion.losses > 1) {
      const now = performance.now();
      if (now < suspicion.refusedUntil) {
        suspect.quarantine(suspicion.refusedUntil - now);
        return;
      }
      suspicion.trial = suspect;
      suspicion.refusedUntil = now + suspicion.pause;
    }
    this.#waiting.add(suspect);
    if (!this.#current) setTimeout(() => this.#next(), gathering);
  }

  /**
   * A request has lost the replica that it was at.
   * @param loss the same object for all that were there
   * @returns whether it may be sent again
   */
  lost(suspect: Suspect, loss: object): boolean {
    const now = performance.now();
    this.leave(suspect);
    if (suspect.isRetry) this.#noRetryUntil = now + this.#times.retryPause;
    const { fingerprint } = suspect;
    const before = this.#suspicionOf(suspect);
    if (before?.loss !== loss) {
      const losses = (before?.losses ?? 0) + 1;
      const pause = losses < 2 ? 0 : Math.min(longestPause, this.#times.firstPause * 2 ** (losses - 2));
      this.#suspicions.delete(fingerprint);
      this.#suspicions.set(fingerprint, { losses, loss, at: now, pause, refusedUntil: now + pause });
      if (this.#suspicions.size > most) this.#suspicions.delete(this.#suspicions.keys().next().value as string);
    }
    return now >= this.#noRetryUntil && (this.#suspicionOf(suspect)?.losses ?? 0) < 2;
  }

  /** A request was answered in full: its kind breaks nothing. */
  clear({ fingerprint }: Suspect): void {
    this.#suspicions.delete(fingerprint);
  }

  /** A request is being answered, or is over: the next one has its turn. */
  leave(suspect: Suspect): void {
    this.#waiting.delete(suspect);
    if (this.#current !== suspect) return;
    clearTimeout(this.#turnEnds);
    this.#current = undefined;
    setImmediate(() => this.#next());
  }

  #suspicionOf({ fingerprint }: Suspect): Suspicion | undefined {
    const suspicion = this.#suspicions.get(fingerprint);
    if (!suspicion || performance.now() - suspicion.at < memory) return suspicion;
    this.#suspicions.delete(fingerprint);
    return undefined;
  }

  /** Milliseconds for which one that waits is not sent, because of what has happened meanwhile. */
  #refusedFor(suspect: Suspect, { losses, trial, refusedUntil }: Suspicion): number {
    const until = losses > 1 && trial !== suspect ? refusedUntil : Number.NEGATIVE_INFINITY;
    return Math.max(until, suspect.isRetry ? this.#noRetryUntil : until) - performance.now();
  }

  #next(): void {
    const isAnyReady = this.#isAnyReady();
    let latest: Suspect | undefined;
    for (const suspect of [...this.#waiting]) {
      const suspicion = this.#suspicionOf(suspect);
      const refused = suspicion ? this.#refusedFor(suspect, suspicion) : 0;
      if (refused > 0 || !isAnyReady || !suspicion) this.#waiting.delete(suspect);
      if (refused > 0) suspect.quarantine(refused);
      else if (!isAnyReady || !suspicion) suspect.proceed();
      else if (!latest || suspect.sentAt > latest.sentAt) latest = suspect;
    }
    if (this.#current || !latest) return;
    const current = latest;
    this.#waiting.delete(current);
    this.#current = current;
    this.#turnEnds = setTimeout(() => this.leave(current), this.#times.turn);
    current.proceed();
  }
}
