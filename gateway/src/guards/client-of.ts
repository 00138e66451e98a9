import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { clientHeader } from '@shop/service-kit/client.ts';
import { ipKeyGenerator } from 'express-rate-limit';

/** The client's address; behind a trusted proxy the last that it names, because all before that is hearsay. */
function addressOf({ headers, socket: { remoteAddress = '' } }: IncomingMessage, trustProxy: boolean): string {
  const forwarded = trustProxy ? String(headers['x-forwarded-for'] ?? '') : '';
  const last = forwarded.slice(forwarded.lastIndexOf(',') + 1).trim();
  // Some proxies write the client's port behind it, which another connection of the same client does not share.
  const address = /^\[([\da-f:.]+)\](?::\d+)?$|^([\d.]+):\d+$/i.exec(last);
  const bare = address?.[1] ?? address?.[2] ?? last;
  return isIP(bare) === 0 ? remoteAddress : bare;
}

/** Whose an address is: of IPv6 the network counts, which is one customer's. */
export const networkOf = (address = ''): string => `address ${ipKeyGenerator(address, 64)}`;

/** Without a proxy, all requests of a connection come from one address. */
const networks = new WeakMap<Socket, string>();

function networkOfRequest(req: IncomingMessage, trustProxy: boolean): string {
  if (trustProxy) return networkOf(addressOf(req, trustProxy));
  const known = networks.get(req.socket) ?? networkOf(addressOf(req, trustProxy));
  networks.set(req.socket, known);
  return known;
}

/**
 * Who sends a request: the client whose key it has, else where it comes from; of IPv6 the network, which is one customer's. Ask after
 * the guard has looked at the key, and before the headers of proxies are changed.
 */
export function clientOf(req: IncomingMessage, trustProxy: boolean): string {
  const client = req.headers[clientHeader];
  return client === undefined ? networkOfRequest(req, trustProxy) : `client ${client}`;
}
