/**
 * The header in which the gateway tells a service whose key a request came with: the key's name, never the key. What a client
 * sends under this name does not get past the gateway.
 */
export const clientHeader = 'x-api-client';
