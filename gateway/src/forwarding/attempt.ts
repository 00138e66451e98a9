import type { ClientRequest, IncomingMessage } from 'node:http';

/** Milliseconds that a connection may take to be made. Replicas are on the same network. */
const connectPatience = 800;

/** Milliseconds between two looks at whether the first attempt of a write with a key has ended. */
export const progressInterval = 200;

/** Tells when a request has its connection, and ends it when that takes too long. */
export function connectInTime(request: ClientRequest, tell: () => void): void {
  let verdict: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    // This process may have had no time for longer than that: a connection that was made meanwhile is noticed first.
    verdict = setImmediate(() => request.destroy(new Error('no connection in time')));
  }, connectPatience);
  const endWaiting = () => {
    clearTimeout(timer);
    clearImmediate(verdict);
  };
  request.socket?.once('connect', () => {
    tell();
    endWaiting();
  });
  request.once('close', endWaiting);
}

/**
 * The first attempt of a write with a key may still run when the second arrives, even in a process that was killed: until the
 * database has noticed. 409 (`request_in_progress`) is then no answer yet, as long as there is time to send the request again.
 */
export function interceptInProgress(
  request: ClientRequest,
  { timeLeft, sendLater }: { timeLeft: () => number; sendLater: () => void },
): void {
  const pass = request.listeners('response') as ((answer: IncomingMessage) => void)[];
  request.removeAllListeners('response').once('response', (answer) => {
    const inProgress = answer.statusCode === 409 && answer.headers['retry-after'] !== undefined;
    if (!inProgress || timeLeft() < 2 * progressInterval) {
      for (const listener of pass) listener(answer);
      return;
    }
    answer.resume();
    sendLater();
  });
}
