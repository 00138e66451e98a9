/** What a client sees of a request: `ok` for any 2xx, else the status and the problem's code; `no answer` for a lost connection. */
export type Outcome = 'ok' | '429 rate_limited' | '503' | '503 unavailable' | '504 upstream_timeout' | 'no answer';

/** Groups of routes that fail together, in the order of the table. */
export const columns = {
  reads: 'reads of the catalogue',
  writes: 'writes of the catalogue',
  keyed: 'writes with an `Idempotency-Key`',
  tags: 'reads and writes of tags',
  live: '`/health/live` of all that run',
  ready: '`/health/ready` of catalog-service',
  health: '`/health` of the system',
  pages: 'pages such as `/docs`',
} as const;
export type Column = keyof typeof columns;

/** The programs of the stack that may end. */
export type Program = 'gateway' | 'catalog-service' | 'tagging-service';

/** The answers that are allowed, and within how many milliseconds; `timeout` stands for `REQUEST_TIMEOUT_MS`. */
export interface Cell {
  answers: Outcome[];
  within: number | 'timeout';
}

/** What a row is tested on: processes, containers, or containers whose database has little room. */
export type Level = 'process' | 'compose' | 'small disk';

/** One thing that fails, what a client sees meanwhile, and how it ends. */
export interface Row {
  /** Goes on from "When". */
  when: string;
  /** How the tests make it, at each level: the first in `npm test`, the others in `npm run test:compose`. */
  made: Partial<Record<Level, string>>;
  cells: Record<Column, Cell>;
  /** How all is well again and, where that is promised, within how many milliseconds of the end of the fault. */
  back: { how: string; within?: number };
  /** Programs that end in it; no other may. */
  ends?: Program[];
  /** Programs that cannot be asked how they are. */
  silent?: Program[];
  /** How many of catalog-service run; one, where nothing is said. */
  replicas?: number;
  /** What else is true in it, and is tested. */
  also?: string;
}
