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

/** Without a proxy, all requests of a connection come from one address. */
const addresses = new WeakMap<Socket, string>();

function networkOf(req: IncomingMessage, trustProxy: boolean): string {
  const network = () => `address ${ipKeyGenerator(addressOf(req, trustProxy), 64)}`;
  if (trustProxy) return network();
  const known = addresses.get(req.socket) ?? network();
  addresses.set(req.socket, known);
  return known;
}

/**
 * Who sends a request: the client whose key it has, else where it comes from; of IPv6 the network, which is one customer's. Ask after
 * the guard has looked at the key, and before the headers of proxies are changed.
 */
export function clientOf(req: IncomingMessage, trustProxy: boolean): string {
  const client = req.headers[clientHeader];
  return client === undefined ? networkOf(req, trustProxy) : `client ${client}`;
}
