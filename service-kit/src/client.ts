import type { IncomingMessage } from 'node:http';

/**
 * The header in which the gateway tells a service whose key a request came with: the key's name, never the key. What a client
 * sends under this name does not get past the gateway.
 */
export const clientHeader = 'x-api-client';

/** Who has sent a request, as the gateway says: the name of its key, else the addresses that it has come by. */
export const senderOf = ({ headers }: IncomingMessage): string =>
  String(headers[clientHeader] ?? headers['x-forwarded-for'] ?? '');
