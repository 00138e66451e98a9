import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import { SchemaError } from '@shop/db/errors.ts';

/**
 * A backup is SQL, compressed by gzip, a statement on each line: first a comment that says what it is, last one that says that it
 * is whole. Any client of MySQL or MariaDB can run it; {@link readBackup} looks at both comments first.
 */
export interface BackupHead {
  version: 1;
  database: string;
  /** The server's version, such as `10.11.19-MariaDB`. */
  server: string;
  /** When the snapshot was taken, ISO 8601. */
  taken: string;
  /** The migrations that the database has had. */
  migrations: string[];
}

/** What the last line says of all before it. */
export interface BackupEnd {
  rows: number;
  /** Of the uncompressed lines, in hexadecimal. */
  sha256: string;
}

const headMark = '-- shop backup ';
const endMark = '-- complete ';

export const headLine = (head: BackupHead): string => `${headMark}${JSON.stringify(head)}`;
export const endLine = (end: BackupEnd): string => `${endMark}${JSON.stringify(end)}`;

/** Adds a line to a checksum. */
export const addLine = (hash: Hash, line: string): Hash => hash.update(line).update('\n');

/**
 * Reads a backup to its end.
 * @param lines uncompressed
 * @throws {SchemaError} when it is not a whole one
 */
export async function readBackup(lines: AsyncIterable<string>): Promise<{ head: BackupHead; end: BackupEnd }> {
  const hash = createHash('sha256');
  let [head, end]: [BackupHead | undefined, BackupEnd | undefined] = [undefined, undefined];
  try {
    for await (const line of lines) {
      if (end) throw new SchemaError('there is something behind its end');
      if (!head) {
        if (!line.startsWith(headMark)) throw new SchemaError('it does not begin as one');
        head = JSON.parse(line.slice(headMark.length)) as BackupHead;
      }
      if (line.startsWith(endMark)) end = JSON.parse(line.slice(endMark.length)) as BackupEnd;
      else addLine(hash, line);
    }
    if (!head || !end) throw new SchemaError('its end is missing');
    if (end.sha256 !== hash.digest('hex')) throw new SchemaError('its checksum is not that of its content');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR') throw new SchemaError(message);
    throw new SchemaError(`This is no complete backup: ${message}. Nothing was changed.`);
  }
  return { head, end };
}
