import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type EmbeddedDatabase, startEmbedded } from '@shop/tools/embedded.ts';
import { ownerSettings } from '../settings.ts';
import { connect, disconnect, select } from './connection.ts';

const run = promisify(execFile);

let folder: string;
let server: EmbeddedDatabase;
/** A certificate that signs itself, and its key. */
const files = (name: string) => ({ cert: path.join(folder, `${name}.pem`), key: path.join(folder, `${name}-key.pem`) });

async function certify(name: string, host: string): Promise<void> {
  const { cert, key } = files(name);
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`];
  await run('openssl', ['req', ...kind, ...subject, '-keyout', key, '-out', cert]);
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'shop-tls-'));
  await certify('server', 'localhost');
  await certify('other', 'localhost');
  const { cert, key } = files('server');
  server = await startEmbedded({ folder, database: '', durable: false, tls: { cert, key } });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What encrypts a connection that trusts a certificate; nothing, where none does. */
async function cipherWith(trusted: string | undefined, host = 'localhost'): Promise<string | undefined> {
  const sslCa = trusted === undefined ? {} : { sslCa: files(trusted).cert };
  const limits = { requestTimeout: 10_000, queueMax: 100 };
  const db = connect({ ...server.owner, host, ...sslCa }, { limits });
  try {
    const [row] = await select<{ Value: string }>(db, "SHOW STATUS LIKE 'Ssl_cipher'");
    await db.guard?.watchdog.ask();
    return row?.Value;
  } finally {
    await disconnect(db);
  }
}

test('When a certificate leads to DB_SSL_CA, then connections are encrypted', async () => {
  expect(await cipherWith('server')).toMatch(/^TLS_/);
});

test('When DB_SSL_CA is not set, then they are not', async () => {
  expect(await cipherWith(undefined)).toBe('');
});

test('When a certificate does not lead to DB_SSL_CA, then nothing is sent', async () => {
  await expect(cipherWith('other')).rejects.toThrow(/certificate/);
});

test('When DB_SSL_CA names a file that is not there, then the service does not start', () => {
  const settings = { DB_HOST: 'localhost', DB_USER: 'shop', DB_SSL_CA: path.join(folder, 'absent.pem') };
  expect(() => ownerSettings('db', settings)).toThrow(/DB_SSL_CA must be a file of PEM certificates/);
});
