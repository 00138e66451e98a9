import { createWriteStream, existsSync } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createGzip } from 'node:zlib';
import { hasErrno, SchemaError } from '@shop/db/errors.ts';
import type { DatabaseSettings } from '@shop/db/settings.ts';
import { ConfigError } from '@shop/service-kit/config.ts';
import { type Dump, withDump } from '../backup/dump.ts';
import { createProgress } from '../progress.ts';
import { runCommand, stopSignal } from './command.ts';

const usage = 'Usage: npm run backup -- FILE (such as shop-2026-11-26.sql.gz; "-" writes to the standard output)';
const number = (value: number): string => value.toLocaleString('en');

/** @throws {ConfigError} for anything but one file that is not there yet */
function readFileName(): string {
  try {
    const { positionals } = parseArgs({ allowPositionals: true, options: {} });
    const [file] = positionals;
    if (file === undefined || positionals.length > 1) throw new Error(usage);
    if (file !== '-' && existsSync(file)) throw new Error(`${file} is there already.`);
    return file;
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

/** Writes a dump, compressed, and shows how far it is. */
async function write({ rows, lines }: Dump, out: Writable, signal: AbortSignal): Promise<void> {
  const progress = createProgress({ total: Math.max(rows, 1), unit: 'rows' });
  let written = 0;
  const text = Readable.from(
    (async function* () {
      for await (const { line, rows: more } of lines) {
        written += more;
        progress.update(written);
        yield `${line}\n`;
      }
    })(),
    { objectMode: true, highWaterMark: 4 },
  );
  await pipeline(text, createGzip(), out, { signal }).finally(progress.end);
}

/** Writes a file that is either whole or not there. @returns how many bytes it has */
async function writeFile(dump: Dump, file: string, signal: AbortSignal): Promise<number> {
  const partial = `${file}.partial`;
  try {
    // Of its owner alone: it holds all that the database does.
    await write(dump, createWriteStream(partial, { mode: 0o600 }), signal);
    const handle = await open(partial);
    await handle.sync().finally(() => handle.close());
    await rename(partial, file);
    return (await stat(file)).size;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function backup(owner: DatabaseSettings): Promise<string> {
  const file = readFileName();
  const signal = stopSignal();
  try {
    return await withDump(owner, async (dump) => {
      const what = `${number(dump.rows)} rows of ${owner.database}`;
      if (file === '-') {
        await write(dump, process.stdout, signal);
        return `Written: ${what}.`;
      }
      const bytes = await writeFile(dump, file, signal);
      return `Written to ${file}: ${what}, ${number(Math.ceil(bytes / 1024))} KiB.`;
    });
  } catch (error) {
    if (hasErrno(error, 'unknownDatabase') || hasErrno(error, 'noSuchTable')) {
      throw new SchemaError(`There is no database ${owner.database} that is complete. Nothing was written.`);
    }
    if (!signal.aborted) throw error;
    process.exitCode = signal.reason;
    return 'Stopped; no backup was written.';
  }
}

// The standard output may be the backup.
await runCommand('backup', ({ owner }) => backup(owner), console.error);
