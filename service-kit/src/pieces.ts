import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { requestsInFlight } from './metrics.ts';

/** Milliseconds of long work, after which others have a turn, and that they have at the most. */
const bounds = { piece: 5, rest: 20 };

/**
 * Divides long work into pieces: call what it returns between its parts. When they have taken long enough, others have as long as that,
 * since what they want may take several turns of the event loop; where there are none, one turn.
 */
export function inPieces(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    const took = performance.now() - since;
    if (took < bounds.piece) return;
    if (requestsInFlight() > 1) await delay(Math.min(took, bounds.rest));
    else await setImmediate();
    since = performance.now();
  };
}
