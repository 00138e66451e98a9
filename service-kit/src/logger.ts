import { format } from 'node:util';
import pino from 'pino';
import { activeTraceIds, isTracing } from './tracing.ts';

export type Logger = pino.Logger;

/** Paths whose values never reach the log, whoever logs the object that holds them. */
const secrets = ['password', 'authorization', 'cookie', 'token'].flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** Characters of a text in a line, and causes of an error. */
const longestText = 4_000;
const mostCauses = 5;

export const cut = (text: string, most = longestText): string =>
  text.length <= most ? text : `${text.slice(0, most)}… (${text.length} characters)`;

/** A URL as a line has it: one may have 16 KiB. */
export const cutUrl = (url: string): string => cut(url, 500);

/**
 * An error as a line has it: what it is and where it comes from. Not all that it holds, as libraries add the statement with its
 * values, which may be megabytes of what a client has sent.
 */
function errorInLine(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return cut(String(error));
  const { name, message, stack, code, errno, cause, parent } = error as Error & Record<string, unknown>;
  const because = cause ?? parent;
  return {
    type: error.constructor.name || name,
    message: cut(message),
    stack: cut(stack ?? ''),
    ...(code === undefined ? {} : { code }),
    ...(errno === undefined ? {} : { errno }),
    ...(because === undefined || depth === mostCauses ? {} : { cause: errorInLine(because, depth + 1) }),
  };
}

/**
 * A JSON logger for one service; on a terminal, lines for people.
 * @param level a pino level, or `silent`
 * @param stream where the lines go; the process's standard output when absent
 */
export function createLogger(service: string, level: string, stream?: pino.DestinationStream): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: secrets, censor: '[redacted]' },
    serializers: { err: (error) => errorInLine(error) },
    ...(isTracing() ? { mixin: activeTraceIds } : {}),
  };
  if (stream) return pino(options, stream);
  // Written together, at most a tenth of a second late: a system call for each line costs more than the line.
  if (!process.stdout.isTTY)
    return pino(options, pino.destination({ sync: false, minLength: 8_192, periodicFlush: 100 }));
  // A transport runs in a worker thread, to which a formatter function cannot be sent.
  const { formatters: _, ...plain } = options;
  return pino({
    ...plain,
    transport: {
      target: 'pino-pretty',
      options: {
        ignore: 'pid,hostname,service,req,res,responseTime',
        messageFormat: '{service} · {msg}',
        translateTime: 'HH:MM:ss.l',
      },
    },
  });
}

let ofProcess: Logger | undefined;

/** What {@link processLogger} has made, for what belongs to the process; none in a test. */
export const loggerOfProcess = (): Logger | undefined => ofProcess;

/** Makes the logger of a service's process. What a library prints, whoever reads the log gets as a line like any other. */
export function processLogger(service: string, level: string): Logger {
  const logger = createLogger(service, level);
  ofProcess = logger;
  const levels = { debug: 'debug', log: 'info', info: 'info', warn: 'warn', error: 'error' } as const;
  for (const method of Object.keys(levels) as (keyof typeof levels)[]) {
    console[method] = (...words: unknown[]) => logger[levels[method]]({ source: 'console' }, format(...words));
  }
  return logger;
}
