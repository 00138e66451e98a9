import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@shop/service-kit/logger.ts';
import { type Problem, unavailable } from '@shop/service-kit/problem.ts';
import type { UpstreamName } from '../config.ts';
import { Admission, type Places } from './admission.ts';
import { type BreakerTimes, CircuitBreaker } from './circuit-breaker.ts';
import { Replica, type ReplicaState } from './replica.ts';
import { TurnedAway } from './turned-away.ts';

/** Milliseconds from one probe of a replica to the next. */
const probeInterval = 250;

/** Milliseconds from one look at a name's addresses to the next. */
const lookupInterval = 1_000;

/** Who is asked first. What is not ready may still say why it is not; one that is silent would only hold the request. */
const preference: Record<ReplicaState, number> = {
  ready: 0,
  unready: 1,
  unknown: 1,
  away: 2,
  silent: Number.POSITIVE_INFINITY,
};

export interface PoolOptions {
  logger: Logger;
  places: Places;
  breaker?: Partial<BreakerTimes>;
}

/** The replicas of a service: found by its name, watched, and chosen from. */
export class UpstreamPool {
  readonly name: string;
  readonly #urls: URL[];
  readonly #logger: Logger;
  readonly admission: Admission;
  readonly breaker: CircuitBreaker;
  readonly turnedAway = new TurnedAway();
  readonly #goneListeners: ((replica: Replica) => void)[] = [];
  /** What a request is answered for which there is no room. One for all: they come by the thousand. */
  readonly busy: Problem;
  readonly #replicas = new Map<string, Replica>();
  /** The addresses that each URL had when it was last known. */
  readonly #found = new Map<URL, string[]>();
  readonly #closing = new AbortController();
  /** The same as `#replicas`, to be counted through. */
  #list: Replica[] = [];
  #turn = 0;

  constructor(name: string, urls: URL[], { logger, places, breaker }: PoolOptions) {
    this.name = name;
    this.#urls = urls;
    this.#logger = logger;
    const ready = () => this.#list.filter(({ state }) => state === 'ready').length;
    this.admission = new Admission(places, ready);
    this.breaker = new CircuitBreaker(() => ready() > 0, breaker);
    this.busy = unavailable(`${name} is at capacity.`);
  }

  /** Whether the replicas are spoken to over TLS. */
  get isSecure(): boolean {
    return this.#urls[0]?.protocol === 'https:';
  }

  /** Tells of each replica that can no longer be reached, or has lost its address. */
  onGone(listener: (replica: Replica) => void): void {
    this.#goneListeners.push(listener);
  }

  /** Looks for the replicas, and goes on looking until {@link close}. */
  async start(): Promise<void> {
    await this.#discover();
    void this.#every(lookupInterval, () => this.#discover());
  }

  /** Ends the watching. */
  close(): void {
    this.#closing.abort();
  }

  /**
   * The replica to ask: the one with the fewest requests in flight of those that are ready; while none is, of those that may
   * be. One that was `tried` comes last. None while no replica can be expected to answer.
   */
  pick(tried?: ReadonlySet<Replica>): Replica | undefined {
    const { length } = this.#list;
    let best: Replica | undefined;
    let bestRank = Number.POSITIVE_INFINITY;
    // From another one each time, so that those who have equally little to do take turns.
    this.#turn = (this.#turn + 1) % Math.max(1, length);
    for (let index = 0; index < length; index++) {
      const replica = this.#list[(this.#turn + index) % length] as Replica;
      const rank = preference[replica.state] + (tried?.has(replica) ? 10 : 0);
      if (rank < bestRank || (rank === bestRank && best && replica.inFlight.size < best.inFlight.size)) {
        best = replica;
        bestRank = rank;
      }
    }
    return best;
  }

  /**
   * A URL of a path at the replica to ask.
   * @throws {Problem} 503 while none can be expected to answer
   */
  urlOf(path: string): URL {
    const replica = this.pick();
    if (!replica) throw this.away();
    return new URL(path, replica.url);
  }

  /** What a request is answered that no replica can be asked. */
  away(cause?: unknown): Problem {
    return unavailable(`${this.name} cannot be reached at the moment.`, cause);
  }

  /** Sets a replica aside that refused a connection or broke one off, until it answers a probe. */
  setAside(replica: Replica): void {
    if (replica.state !== 'silent') this.#become(replica, 'away');
  }

  #tellGone(replica: Replica): void {
    for (const listener of this.#goneListeners) listener(replica);
  }

  async #every(interval: number, work: () => Promise<void>, goesOn = () => true): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted && goesOn()) {
      await delay(interval, undefined, { ref: false, signal }).catch(() => {});
      if (!signal.aborted && goesOn()) await work();
    }
  }

  /** Takes up new addresses and lets go of lost ones. A name that cannot be looked up keeps those that it had. */
  async #discover(): Promise<void> {
    const urls = await Promise.all(this.#urls.map((url) => this.#addressesOf(url)));
    const wanted = new Set(urls.flat());
    for (const [href, replica] of this.#replicas) {
      if (wanted.has(href)) continue;
      this.#replicas.delete(href);
      this.#logger.info({ upstream: this.name, replica: replica.url.host }, `${this.name}: a replica was removed`);
      this.#tellGone(replica);
    }
    for (const href of wanted) {
      if (this.#replicas.has(href)) continue;
      const replica = new Replica(new URL(href));
      this.#replicas.set(href, replica);
      void this.#watch(href, replica);
    }
    this.#list = [...this.#replicas.values()];
  }

  async #addressesOf(url: URL): Promise<string[]> {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    // A certificate is for the name, and not for its addresses.
    if (isIP(host) || url.protocol === 'https:') return [url.href];
    try {
      const addresses = await lookup(host, { all: true });
      const hrefs = addresses.map(({ address, family }) => {
        const replica = new URL(url);
        replica.hostname = family === 6 ? `[${address}]` : address;
        return replica.href;
      });
      this.#found.set(url, hrefs);
    } catch (error) {
      this.#logger.debug({ upstream: this.name, err: error }, `${this.name}: the DNS lookup failed`);
    }
    return this.#found.get(url) ?? [];
  }

  async #watch(href: string, replica: Replica): Promise<void> {
    const look = async () => this.#become(replica, await replica.probe());
    await look();
    await this.#every(probeInterval, look, () => this.#replicas.get(href) === replica);
  }

  /** One line for what has become of a replica: a warning where it got worse, but for one that has yet to start. */
  #tell(replica: Replica, before: ReplicaState): void {
    const { state, hasServed } = replica;
    if (before === 'unknown' && state === 'ready') return;
    const isStarting = !hasServed && (state === 'away' || state === 'unready');
    const isBetter = preference[state] < preference[before];
    const entry = { upstream: this.name, replica: replica.url.host, state };
    this.#logger[isStarting ? 'debug' : isBetter ? 'info' : 'warn'](entry, `${this.name}: a replica is ${state}`);
  }

  #become(replica: Replica, state: ReplicaState): void {
    // What a probe finds out of one that has gone meanwhile is of no interest.
    if (this.#closing.signal.aborted || replica.state === state || !this.#list.includes(replica)) return;
    const { state: before } = replica;
    replica.state = state;
    this.#tell(replica, before);
    replica.hasServed ||= state === 'ready';
    if (state === 'away') this.#tellGone(replica);
    if (state === 'silent') for (const attempt of [...replica.inFlight]) attempt.abandon();
  }
}

/** The replicas of each service. */
export type Pools = Record<UpstreamName, UpstreamPool>;

/** The pools of all services, each found at its URLs. They watch their replicas until they are closed. */
export async function startPools<Name extends string>(
  upstreams: Record<Name, { urls: URL[] }>,
  options: PoolOptions,
): Promise<Record<Name, UpstreamPool>> {
  const pools = Object.entries<{ urls: URL[] }>(upstreams).map(
    ([name, { urls }]) => [name, new UpstreamPool(name, urls, options)] as const,
  );
  await Promise.all(pools.map(([, pool]) => pool.start()));
  return Object.fromEntries(pools) as Record<Name, UpstreamPool>;
}
