import type { IncomingMessage } from 'node:http';

/** Why a request failed, without a stack: such lines come by the thousand. */
export interface FailureCause {
  message: string;
  code?: string;
}

const causes = new WeakMap<IncomingMessage, FailureCause>();

/** Has the log line of a request tell why it was answered with a 503 or its like, or broken off. */
export function noteCause(req: IncomingMessage, cause: unknown): void {
  const { message, code, name } = cause as NodeJS.ErrnoException;
  causes.set(req, { message: message || code || name || String(cause), ...(code && { code }) });
}

export const causeOf = (req: IncomingMessage): FailureCause | undefined => causes.get(req);
