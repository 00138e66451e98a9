import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@shop/db/connection/connection.ts';
import { contradictsSchema, isTimeUp, isUnavailable, SchemaError } from '@shop/db/errors.ts';
import { verifySchema } from '@shop/db/verify.ts';
import type { HealthCheck } from '@shop/service-kit/health.ts';
import type { Logger } from '@shop/service-kit/logger.ts';
import { unavailable } from '@shop/service-kit/problem.ts';
import type { ErrorRequestHandler, RequestHandler } from 'express';

/** Milliseconds between two looks at a database that does not answer, at one that does not fit, and at one that did. */
export interface Pauses {
  away: number;
  unfit: number;
  fit: number;
}
const usualPauses: Pauses = { away: 500, unfit: 5_000, fit: 60_000 };

/** What a service does around the look at a database that did not fit. */
export interface Steps {
  /** Before it: a service that is the owner of the database migrates it. */
  prepare?: () => Promise<void>;
  /** After it, once the database fits, and before the first request. */
  begin?: () => Promise<void>;
}

/**
 * Knows whether the database fits this release. Until it does, no request reaches a store, and the service is not ready. It is
 * compared at the start, once a minute, and as soon as a statement fails for want of something that should be there.
 */
export class SchemaWatch {
  readonly #db: Database;
  readonly #logger: Logger;
  readonly #pauses: Pauses;
  #verified = false;
  /** Why it is not, as far as that is known. */
  #problem: string | undefined;
  #warned = '';
  #wake = new AbortController();

  /** @param options.verified it has been compared already */
  constructor(
    db: Database,
    logger: Logger,
    { pauses = usualPauses, verified = false }: { pauses?: Pauses; verified?: boolean } = {},
  ) {
    this.#db = db;
    this.#logger = logger;
    this.#pauses = pauses;
    this.#verified = verified;
  }

  /** Watches until `end`, which is the end of the service. */
  async run({ end, ...steps }: Steps & { end: AbortSignal }): Promise<void> {
    let pause = this.#verified ? this.#pauses.fit : 0;
    for (let attempt = 0; ; attempt++) {
      await delay(pause, undefined, { signal: AbortSignal.any([end, this.#wake.signal]), ref: false }).catch(() => {});
      if (end.aborted) return;
      // Before the look: whatever fails from now on is a reason for another one.
      this.#wake = new AbortController();
      pause = await this.#look(steps, attempt);
    }
  }

  /** Compares once. @returns the milliseconds until the next time */
  async #look({ prepare, begin }: Steps, attempt: number): Promise<number> {
    try {
      if (!this.#verified) await prepare?.();
      const slow = await verifySchema(this.#db);
      const warning = slow.map(({ what }) => what).join('; ');
      if (warning !== this.#warned && warning !== '') {
        this.#logger.warn(
          { differences: slow.map(({ what, statements }) => ({ what, statements })) },
          `the database differs from this release, which makes it slower: ${warning}`,
        );
      }
      this.#warned = warning;
      if (!this.#verified) await begin?.();
      if (!this.#verified) this.#logger.info('ready: the database matches the models');
      [this.#verified, this.#problem] = [true, undefined];
      return this.#pauses.fit;
    } catch (error) {
      if (!(error instanceof SchemaError)) return this.#cannotLook(error, attempt);
      if (error.summary !== this.#problem) this.#logger.error(`not ready: ${error.message}`);
      [this.#verified, this.#problem] = [false, error.summary];
      return this.#pauses.unfit;
    }
  }

  /** What is not known changes nothing. */
  #cannotLook(error: unknown, attempt: number): number {
    const isAway = isUnavailable(error) || isTimeUp(error);
    if (!isAway) this.#logger.error({ err: error }, 'could not compare the database with this release');
    else if (!this.#verified && attempt % 10 === 0) this.#logger.warn({ err: error }, 'waiting for the database');
    if (this.#verified) return this.#pauses.fit;
    return isAway ? this.#pauses.away : this.#pauses.unfit;
  }

  /** Lets no request through until the database fits. */
  readonly gate: RequestHandler = (_req, _res, next) => {
    if (!this.#verified) {
      throw unavailable(
        this.#problem === undefined
          ? 'The service is waiting for its database.'
          : 'The database schema lacks something that this service needs. The log says what.',
      );
    }
    next();
  };

  /** Looks again when an error says that the database is not as it should be. The error goes on. */
  readonly onError: ErrorRequestHandler = (error, _req, _res, next) => {
    if (contradictsSchema(error) || contradictsSchema((error as Error).cause)) this.#wake.abort();
    next(error);
  };

  readonly check: HealthCheck = {
    name: 'schema',
    run: async () => ({
      up: this.#verified,
      ...(this.#problem === undefined ? {} : { detail: { reason: this.#problem } }),
    }),
  };
}
