import {
  ConnectionAcquireTimeoutError,
  ConnectionError,
  ForeignKeyConstraintError,
  UniqueConstraintError,
} from 'sequelize';

/** The database does not fit this release: a migration is missing, or something differs. Its message is one line. */
export class SchemaError extends Error {
  override name = 'SchemaError';
  /** The same without SQL, for those who may know that something is wrong, and no more. */
  readonly summary: string;

  constructor(message: string, summary = message) {
    super(message);
    this.summary = summary;
  }
}

/** A write was refused because `fields` hold values that are taken. `id` is who holds it, where that is known. */
export class DuplicateError extends Error {
  override name = 'DuplicateError';
  readonly fields: { field: string; id?: number }[];

  constructor(fields: { field: string; id?: number }[]) {
    super(`taken: ${fields.map(({ field }) => field).join(', ')}`);
    this.fields = fields;
  }
}

/**
 * Somebody else took what this transaction had found free. Thrown inside a transaction, it makes `inTransaction` run the
 * work again; it is never shown to a client unless that has been tried in vain.
 */
export class LostRaceError extends Error {
  override name = 'LostRaceError';
}

/** A write was refused because `references` name rows that do not exist. */
export class UnknownReferenceError extends Error {
  override name = 'UnknownReferenceError';
  readonly references: { field: string; ids: number[] }[];

  constructor(references: { field: string; ids: number[] }[]) {
    super(`unknown: ${references.map(({ field, ids }) => `${field} ${ids.join(', ')}`).join('; ')}`);
    this.references = references;
  }
}

/** A movement of stock was refused because `delta` leads from the `available` stock below 0 or above the `largest`. */
export class StockRangeError extends Error {
  override name = 'StockRangeError';
  readonly delta: number;
  readonly available: number;
  readonly largest: number;

  constructor(delta: number, available: number, largest: number) {
    super(`a stock of ${available} cannot take ${delta}`);
    this.delta = delta;
    this.available = available;
    this.largest = largest;
  }
}

/** The database has been asked and has not answered for a while; until it does, nobody waits for it. */
export class DatabaseAwayError extends Error {
  override name = 'DatabaseAwayError';

  constructor() {
    super('the database does not answer');
  }
}

/** As many wait for a connection as may. Nothing was sent. */
export class QueueFullError extends Error {
  override name = 'QueueFullError';

  constructor() {
    super('too many wait for a connection');
  }
}

/** The time of the request was up, before its transaction was committed. */
export class DeadlineError extends Error {
  override name = 'DeadlineError';

  constructor() {
    super('the time is up');
  }
}

/** The connection was lost while a transaction was being committed: it may have been, or not. */
export class OutcomeUnknownError extends Error {
  override name = 'OutcomeUnknownError';

  constructor(cause: unknown) {
    super('the connection was lost during the commit', { cause });
  }
}

/** MySQL's and MariaDB's numbers of errors. Source: https://dev.mysql.com/doc/mysql-errors/9.7/en/server-error-reference.html */
const errno = {
  errorWritingFile: 3,
  fileSystemFull: 20,
  diskFull: 1021,
  errorOnWrite: 1026,
  engineError: 1030,
  outOfMemory: 1037,
  outOfSortMemory: 1038,
  tooManyConnections: 1040,
  accessDeniedToDatabase: 1044,
  accessDenied: 1045,
  unknownDatabase: 1049,
  serverShutdown: 1053,
  unknownColumn: 1054,
  tableFull: 1114,
  tableAccessDenied: 1142,
  noSuchTable: 1146,
  unknownIndex: 1176,
  noFullTextIndex: 1191,
  lockWaitTimeout: 1205,
  deadlock: 1213,
  specificAccessDenied: 1227,
  optionPreventsStatement: 1290,
  queryInterrupted: 1317,
  cannotCreateUserWithGrant: 1410,
  tooManyPrepared: 1461,
  readOnlyMode: 1836,
  connectionKilled: 1927,
  statementTimeoutMariaDb: 1969,
  statementTimeoutMySql: 3024,
  lockNotAvailable: 3572,
  clientIdle: 4031,
  globalMemoryLimit: 4081,
  connectionMemoryLimit: 4082,
} as const;

/** The client library's codes for a connection that has been there and is gone. */
const lostConnection = new Set(['PROTOCOL_CONNECTION_LOST', 'ECONNRESET', 'EPIPE']);

/** Those for one that could not be made. */
const noConnection = new Set(['ETIMEDOUT', 'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

interface DriverError {
  errno?: number;
  code?: string;
  message: string;
}

/** The driver's error inside one of Sequelize's, or the error itself. */
function driverError(error: unknown): DriverError {
  const { parent } = error as { parent?: DriverError };
  return parent ?? (error as DriverError);
}

/** What the server said, in its words. */
export const serverMessage = (error: unknown): string => driverError(error).message;

export const hasErrno = (error: unknown, name: keyof typeof errno): boolean => driverError(error).errno === errno[name];

/** The name of the unique index that a write ran into. */
export function violatedIndex(error: unknown): string | undefined {
  return error instanceof UniqueConstraintError ? Object.keys(error.fields)[0] : undefined;
}

/** The value that a write ran into, as the unique index holds it. */
export function violatedValue(error: unknown): string | undefined {
  return error instanceof UniqueConstraintError ? String(Object.values(error.fields)[0]) : undefined;
}

/** The name of the foreign key that a write ran into, and whether the row written (`child`) or removed (`parent`) did. */
export function violatedForeignKey(error: unknown): { constraint: string; side: 'child' | 'parent' } | undefined {
  if (!(error instanceof ForeignKeyConstraintError)) return undefined;
  return {
    constraint: String(error.index),
    side: (error as { reltype?: string }).reltype === 'parent' ? 'parent' : 'child',
  };
}

/** A statement failed for want of a table, a column or an index that this release expects. */
export const contradictsSchema = (error: unknown): boolean =>
  error !== null &&
  error !== undefined &&
  (['unknownColumn', 'noSuchTable', 'unknownIndex', 'noFullTextIndex'] as const).some((name) => hasErrno(error, name));

/** Two writers stood in each other's way and the server undid one of them: the same write may be tried again. */
export const isConflict = (error: unknown): boolean =>
  hasErrno(error, 'deadlock') || hasErrno(error, 'lockWaitTimeout');

/** A statement needs more memory than the server gives its session, or all of them. MySQL has closed the connection. */
export const isOutOfMemory = (error: unknown): boolean =>
  (['outOfMemory', 'outOfSortMemory', 'globalMemoryLimit', 'connectionMemoryLimit'] as const).some((name) =>
    hasErrno(error, name),
  ) ||
  (hasErrno(error, 'optionPreventsStatement') && serverMessage(error).includes('max-session-mem-used'));

const refusedWrites: (keyof typeof errno)[] = [
  'optionPreventsStatement',
  'readOnlyMode',
  'errorWritingFile',
  'fileSystemFull',
  'diskFull',
  'errorOnWrite',
  'tableFull',
];

/** The database answers, and takes no writes: it is read-only, or has no room. */
export const takesNoWrites = (error: unknown): boolean =>
  (refusedWrites.some((name) => hasErrno(error, name)) && !isOutOfMemory(error)) ||
  // 28 is the operating system's ENOSPC.
  (hasErrno(error, 'engineError') && /\berror 28\b/.test(driverError(error).message));

/** The connection was found closed, so what was to be sent was not. */
export const isUnsent = (error: unknown): boolean => driverError(error).message.includes('closed state');

/** The connection went while it was used, or had gone unnoticed. What was sent on it may have been done, if not committed. */
export const isLost = (error: unknown): boolean =>
  !(error instanceof ConnectionError) &&
  (lostConnection.has(driverError(error).code ?? '') ||
    hasErrno(error, 'connectionKilled') ||
    hasErrno(error, 'clientIdle') ||
    isUnsent(error));

/** The time of the request was up, as this process saw it or the server. */
export const isTimeUp = (error: unknown): boolean =>
  driverError(error) instanceof DeadlineError ||
  hasErrno(error, 'statementTimeoutMariaDb') ||
  hasErrno(error, 'statementTimeoutMySql');

const unavailableErrors = [
  ConnectionError,
  ConnectionAcquireTimeoutError,
  DatabaseAwayError,
  LostRaceError,
  OutcomeUnknownError,
  QueueFullError,
];

/** The database could not be asked, stopped answering or takes no writes: nobody's fault who sent the request. */
export function isUnavailable(error: unknown): boolean {
  const driver = driverError(error);
  return (
    unavailableErrors.some((kind) => error instanceof kind || driver instanceof kind) ||
    isConflict(error) ||
    takesNoWrites(error) ||
    isOutOfMemory(error) ||
    isLost(error) ||
    hasErrno(error, 'serverShutdown') ||
    hasErrno(error, 'tooManyConnections') ||
    hasErrno(error, 'queryInterrupted') ||
    noConnection.has(driver.code ?? '')
  );
}
