import { hash, randomBytes } from 'node:crypto';
import { ConfigError } from '@shop/service-kit/config.ts';

/** What a key is good for: `read` for GET and HEAD, `write` for everything. */
export const scopes = ['read', 'write'] as const;
export type Scope = (typeof scopes)[number];

/** A key as the installation knows it: not the key itself, but its SHA-256 digest. */
export interface ApiKey {
  name: string;
  scope: Scope;
  digest: Buffer;
}

/** Names go into headers and log lines, and stand in a file whose columns are divided by spaces. */
const namePattern = /^[A-Za-z0-9][\w.-]{0,63}$/;
const digestPattern = /^[0-9a-f]{64}$/i;

/** Whether a key may be called so: 1 to 64 letters, digits, `_`, `.` and `-`, the first a letter or digit. */
export const isKeyName = (name: string): boolean => namePattern.test(name);

/** A new key: `shop_` and 256 random bits, as 48 characters. Nothing of it can be guessed, so that a fast digest hides it. */
export const generateKey = (): string => `shop_${randomBytes(32).toString('base64url')}`;

export const digestOf = (key: string): Buffer => hash('sha256', key, 'buffer');

export const lineOf = ({ name, scope, digest }: ApiKey): string => `${name} ${scope} ${digest.toString('hex')}`;

/**
 * Reads a key file: `name scope sha256` on each line, empty lines and lines that begin with `#` apart.
 * @param file its name, for errors
 * @throws {ConfigError} naming every bad line by its number, and nothing of what stands there: it may be a key
 */
export function parseKeys(text: string, file: string): ApiKey[] {
  const keys: ApiKey[] = [];
  const faults: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const fields = line.trim();
    if (fields === '' || fields.startsWith('#')) continue;
    const [name = '', scope = '', digest = '', ...more] = fields.split(/\s+/);
    const fault = faultOf(name, scope, digest, more, keys);
    if (fault) faults.push(`line ${index + 1} ${fault}`);
    else keys.push({ name, scope: scope as Scope, digest: Buffer.from(digest, 'hex') });
  }
  if (faults.length > 0) throw new ConfigError(`the key file ${file} is not valid: ${faults.join('; ')}`);
  return keys;
}

function faultOf(name: string, scope: string, digest: string, more: string[], before: ApiKey[]): string | undefined {
  if (digest === '' || more.length > 0) return 'must have three words: a name, a scope and a SHA-256 digest';
  if (!isKeyName(name)) return 'must begin with a name of at most 64 letters, digits, "_", "." and "-"';
  if (!scopes.includes(scope as Scope)) return `must have the scope ${scopes.join(' or ')}`;
  if (!digestPattern.test(digest)) return 'must end with a SHA-256 digest of 64 hexadecimal digits';
  if (before.some((key) => key.name === name)) return 'has the name of a line above';
  if (before.some((key) => key.digest.equals(Buffer.from(digest, 'hex')))) return 'has the key of a line above';
  return undefined;
}
