import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '@shop/service-kit/logger.ts';
import type { Problem } from '@shop/service-kit/problem.ts';
import { authenticate } from './authenticate.ts';
import { watchKeys } from './key-ring.ts';

export interface GuardConfig {
  /** Where the keys stand; absent: the API is open. */
  keysFile: string | undefined;
  /** Whether reading needs no key. */
  publicRead: boolean;
}

/** Decides on a request for the API: nothing lets it pass, a problem is its answer. */
export type Guard = (req: IncomingMessage, res: ServerResponse, decide: (problem?: Problem) => void) => void;

/**
 * The guard that the settings ask for; none, where everything may pass.
 * @throws {ConfigError} for a key file that cannot be used
 */
export async function createGuard(
  { keysFile, publicRead }: GuardConfig,
  logger: Logger,
): Promise<{ guard: Guard | undefined; close(): void }> {
  const keys = keysFile === undefined ? undefined : await watchKeys(keysFile, logger);
  if (!keys) {
    logger.warn('the API is open: whoever reaches it may read and write (API_KEYS_FILE is not set)');
    return { guard: undefined, close: () => {} };
  }
  return {
    guard: (req, _res, decide) => decide(authenticate(req, keys, publicRead)),
    close: () => keys.close(),
  };
}
