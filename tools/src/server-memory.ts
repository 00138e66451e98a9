import type { ServerProgram } from './server-program.ts';

const mebibyte = 2 ** 20;

/**
 * What bounds the memory of a server, by its system variables, in bytes. A statement that needs more than its session may have fails,
 * and on MySQL its session ends. The largest that the services send need a fifth of it
 * (docs/decisions/0018-bounded-responses.md). MySQL exempts accounts with `CONNECTION_ADMIN`, such as the embedded server's owner.
 */
export const memoryLimits: Record<ServerProgram['kind'], Record<string, number | string>> = {
  mysql: {
    connection_memory_limit: 64 * mebibyte,
    global_connection_memory_limit: 512 * mebibyte,
    global_connection_memory_tracking: 'ON',
    // Beyond that, temporary tables go to the disk. By default they may have a gigabyte.
    temptable_max_ram: 128 * mebibyte,
  },
  mariadb: {
    max_session_mem_used: 64 * mebibyte,
    // What an in-memory temporary table may have before it goes to the disk.
    tmp_memory_table_size: 16 * mebibyte,
    max_heap_table_size: 16 * mebibyte,
  },
};

/** The same as a server's options. One that does not know an option, because it is older, starts all the same. */
export const memoryOptions = (kind: ServerProgram['kind']): string[] =>
  Object.entries(memoryLimits[kind]).map(([name, value]) => `--loose-${name.replaceAll('_', '-')}=${value}`);
