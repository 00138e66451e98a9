import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '@shop/service-kit/logger.ts';
import type { Problem } from '@shop/service-kit/problem.ts';
import { authenticate } from './authenticate.ts';
import { watchKeys } from './key-ring.ts';
import { createLimiter, type RateLimit } from './rate-limit.ts';

export interface GuardConfig {
  /** Where the keys stand; absent: the API is open. */
  keysFile: string | undefined;
  /** Whether reading needs no key. */
  publicRead: boolean;
  /** What a client may ask for; absent: as much as it likes. */
  rateLimit: RateLimit | undefined;
  /** The Redis in which several gateways count together. */
  redisUrl: string | undefined;
}

/** Decides on a request for the API: nothing lets it pass, a problem is its answer. */
export type Guard = (req: IncomingMessage, res: ServerResponse, decide: (problem?: Problem) => void) => void;

/**
 * The guard that the settings ask for; none, where everything may pass.
 * @throws {ConfigError} for a key file that cannot be used
 */
export async function createGuard(
  { guard: { keysFile, publicRead, rateLimit, redisUrl }, trustProxy }: { guard: GuardConfig; trustProxy: boolean },
  logger: Logger,
): Promise<{ guard: Guard | undefined; close(): void }> {
  const keys = keysFile === undefined ? undefined : await watchKeys(keysFile, logger);
  if (!keys) logger.warn('the API is open: anyone who can reach it may read and write (API_KEYS_FILE is not set)');
  const limiter = rateLimit && (await createLimiter(rateLimit, { redisUrl, trustProxy }, logger));
  const guard: Guard = (req, res, decide) => {
    const refusal = keys && authenticate(req, keys, publicRead);
    if (!limiter) return decide(refusal);
    // What is refused counts, too: keys cannot be guessed at any speed.
    limiter.limit(req, res, (excess) => {
      // The client may have gone meanwhile.
      if (!res.closed) decide(excess ?? refusal);
    });
  };
  return {
    guard: keys || limiter ? guard : undefined,
    close: () => {
      keys?.close();
      limiter?.close();
    },
  };
}
