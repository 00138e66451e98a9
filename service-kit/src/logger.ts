import { format } from 'node:util';
import pino from 'pino';
import { activeTraceIds, isTracing } from './tracing.ts';

export type Logger = pino.Logger;

/** Paths whose values never reach the log, whoever logs the object that holds them. */
const secrets = ['password', 'authorization', 'cookie', 'token'].flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

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
