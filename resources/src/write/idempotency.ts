import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { type Database, QueryTypes, select, type Transaction } from '@shop/db/connection/connection.ts';
import { hasErrno, isUnavailable, LostRaceError, violatedIndex } from '@shop/db/errors.ts';
import type { ServiceAccount } from '@shop/db/settings.ts';
import { clientHeader } from '@shop/service-kit/client.ts';
import type { Logger } from '@shop/service-kit/logger.ts';
import { mergePatch } from '@shop/service-kit/media-types.ts';
import { Problem } from '@shop/service-kit/problem.ts';
import type { Reply } from '@shop/service-kit/route.ts';
import type { Request } from 'express';
import * as z from 'zod';
import { describedAs } from '../fields.ts';

const deflate = promisify(zlib.deflate);
const inflate = promisify(zlib.inflate);

/** Largest body that is kept, in bytes of its deflated form. */
const largestBody = 2 ** 20;

const keySentence = 'must be 1 to 255 visible ASCII characters, in double quotes or bare';

/**
 * The `Idempotency-Key` header: a string of RFC 9651, as draft-ietf-httpapi-idempotency-key-header asks for, or the same
 * characters without quotes, as many clients send them.
 */
export const idempotencyKeyHeader = z
  .string()
  .regex(/^(?:"(?:[!#-[\]-~]|\\["\\])+"|[!#-~][!-~]*)$/, keySentence)
  .transform((text) => (text.startsWith('"') ? text.slice(1, -1).replaceAll(/\\(.)/g, '$1') : text))
  .refine((key) => key.length <= 255, { error: keySentence, params: { code: 'too_long', allowed: { maximum: 255 } } })
  .meta({
    description:
      'Any name for this write that you use for no other, such as a UUID. Sent again within 24 hours, the write is not done ' +
      'again: the answer is that of the first time.',
    example: '"7c0c8f0e-6f6b-4a53-8a0f-0d9f5f7f6a11"',
    override: describedAs({ type: 'string' }),
  });

/** Each service has its own, which the other's account may not read (db/grants.sql). */
const tableOf = (account: ServiceAccount): string => `${account}_idempotency_key`;

/** What identifies a write that must not be done twice, and what tells it from another: two SHA-256 digests. */
export interface KeyedRequest {
  /** Where its answer is kept. */
  table: string;
  id: Buffer;
  fingerprint: Buffer;
}

const digestOf = (parts: unknown[]): Buffer => createHash('sha256').update(JSON.stringify(parts)).digest();

/**
 * A key belongs to its caller: the client that the gateway names, by whichever of its API keys; where there are none, whoever
 * sends the same `Authorization`. A dry run counts as the request that it tries out, and so does one whose response is indented.
 */
export function keyedRequest(account: ServiceAccount, key: string, request: Request): KeyedRequest {
  const { pathname, searchParams } = new URL(request.originalUrl, 'http://localhost');
  searchParams.delete('_dry_run');
  searchParams.delete('_pretty');
  const client = request.get(clientHeader);
  return {
    table: tableOf(account),
    id: digestOf(client === undefined ? [request.get('Authorization') ?? null, key] : ['client', client, key]),
    fingerprint: digestOf([
      request.method,
      pathname,
      String(searchParams),
      request.body,
      // The same JSON does something else as such a patch.
      ...(request.is(mergePatch) ? [mergePatch] : []),
    ]),
  };
}

interface KeyRow {
  fingerprint: Buffer;
  status: number;
  headers: string;
  body: Buffer | null;
}

/**
 * The answer of the first time, where a request has been done under its key.
 * @throws {Problem} 409 `request_in_progress` while another transaction is doing it, 422 `idempotency_key_reused`
 */
export async function keptAnswer(
  db: Database,
  transaction: Transaction,
  { table, id, fingerprint }: KeyedRequest,
): Promise<Reply | undefined> {
  const find = async (lock: string): Promise<KeyRow | undefined> => {
    const sql = `SELECT fingerprint, status, headers, body FROM ${table} WHERE id = $1 ${lock}`;
    return (await select<KeyRow>(db, sql, [id], transaction))[0];
  };
  // The first look takes no lock, so that many who ask for the same answer are all told at once.
  const known = (await find('')) ?? (await find('FOR UPDATE NOWAIT').catch(raiseInProgress));
  return known && replay(known, fingerprint);
}

/**
 * Does `work` unless it has been done under this key, in which case the answer is that of the first time. The key is taken and
 * the answer kept in the transaction of the work itself: both are there, or neither.
 * @throws {Problem} as {@link keptAnswer}
 * @throws {LostRaceError} somebody else has done it meanwhile: the next attempt finds the answer
 */
export async function once(
  db: Database,
  transaction: Transaction,
  keyed: KeyedRequest,
  work: () => Promise<Reply>,
): Promise<Reply> {
  const kept = await keptAnswer(db, transaction, keyed);
  if (kept) return kept;
  const { table, id, fingerprint } = keyed;
  const write = (sql: string, bind: unknown[]) =>
    db.sequelize.query(sql, { type: QueryTypes.UPDATE, bind, transaction });
  await write(`INSERT INTO ${table} (id, fingerprint) VALUES ($1, $2)`, [id, fingerprint]).catch((error) => {
    throw violatedIndex(error) === undefined ? error : new LostRaceError('the same request was done meanwhile');
  });
  const reply = await work();
  const body = reply.body === undefined ? null : await deflate(JSON.stringify(reply.body));
  await write(`UPDATE ${table} SET status = $1, headers = $2, body = $3 WHERE id = $4`, [
    reply.status,
    JSON.stringify(reply.headers ?? {}),
    body && body.length <= largestBody ? body : null,
    id,
  ]);
  return reply;
}

/** A row that is locked is that of a transaction which has not ended. MariaDB says so like of a wait that was in vain. */
function raiseInProgress(error: unknown): never {
  if (!hasErrno(error, 'lockNotAvailable') && !hasErrno(error, 'lockWaitTimeout')) throw error;
  throw new Problem('request_in_progress', 'The first request with this Idempotency-Key is still running.', {
    headers: { 'Retry-After': '1' },
  });
}

async function replay(row: KeyRow, fingerprint: Buffer): Promise<Reply> {
  if (!row.fingerprint.equals(fingerprint)) {
    throw new Problem('idempotency_key_reused', 'This Idempotency-Key was used for another request.', {
      errors: [
        {
          header: 'Idempotency-Key',
          code: 'idempotency_key_reused',
          detail: 'was used for a different request',
        },
      ],
    });
  }
  return {
    status: row.status,
    headers: { ...JSON.parse(row.headers), 'Idempotency-Replayed': 'true' },
    ...(row.body ? { body: JSON.parse(String(await inflate(row.body))) } : {}),
  };
}

/** How many keys are forgotten in one statement: few enough to hold up nobody. */
const purgeStep = 500;

/**
 * Forgets the keys of a service that are older than 24 hours.
 * @returns how many
 */
export async function purgeIdempotencyKeys(db: Database, account: ServiceAccount): Promise<number> {
  let purged = 0;
  for (;;) {
    const step = await db.sequelize.query(
      `DELETE FROM ${tableOf(account)} WHERE created_at < CURRENT_TIMESTAMP(3) - INTERVAL 24 HOUR
       ORDER BY created_at LIMIT ${purgeStep}`,
      { type: QueryTypes.BULKDELETE },
    );
    purged += step;
    if (step < purgeStep) return purged;
  }
}

/**
 * Purges again and again, about every `interval` milliseconds: varied, so that replicas spread. A database that is away is
 * tried again the next time.
 * @returns ends it
 */
export function schedulePurge(db: Database, account: ServiceAccount, logger: Logger, interval = 60_000): () => void {
  let timer: NodeJS.Timeout;
  let stopped = false;
  const purge = async () => {
    try {
      await purgeIdempotencyKeys(db, account);
    } catch (error) {
      if (!stopped && !isUnavailable(error)) logger.warn({ err: error }, 'idempotency keys could not be purged');
    }
    if (!stopped) schedule();
  };
  const schedule = () => {
    timer = setTimeout(purge, interval * (0.5 + Math.random())).unref();
  };
  schedule();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
