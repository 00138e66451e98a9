import { BlockList, isIP } from 'node:net';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/** Whether only this machine reaches what listens on an address. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || (isIP(host) !== 0 && loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4'));

/**
 * The sentence for an address that other machines reach; undefined where only this one does.
 * @param keys what a client needs there: a key to `write`, a key for `all`, or `nothing`
 */
export function reachWarning(host: string, keys: 'write' | 'all' | 'nothing'): string | undefined {
  if (isLoopback(host)) return undefined;
  const needs = {
    nothing: 'without a key: anyone may read and write everything',
    write: 'and may be read without a key',
    all: 'with a key',
  };
  return `other machines can reach ${host}, ${needs[keys]}. Put a TLS proxy in front: over plain HTTP, keys and data can be read in transit`;
}
