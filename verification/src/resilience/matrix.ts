import { type Cell, type Column, columns, type Level, type Outcome, type Row } from './row.ts';

const says = (within: Cell['within'], ...answers: Outcome[]): Cell => ({ answers, within });

/** The contract's bound, in milliseconds, for the answer that something is away. */
const soon = 2_000;
/** The contract's bound, in milliseconds, for the return of a service after its database has returned. */
const returnBound = 5_000;

const fine = says('timeout', 'ok');
const away = says(soon, '503 unavailable');
const down = says('timeout', '503');
const gone = says(soon, 'no answer');
/** Without containers, a service is asked itself; with them, the gateway is. */
const unasked = says(soon, 'no answer', '503 unavailable');
/** A write that was under way, which nobody may send again, is waited for: the service may only be slow. */
const perhapsDone = says('timeout', '503 unavailable', '504 upstream_timeout');
const perhaps = says('timeout', 'ok', '503 unavailable');
const perhapsOrLate = says('timeout', 'ok', '503 unavailable', '504 upstream_timeout');

const everywhere = (cell: Cell): Row['cells'] => {
  const names = Object.keys(columns) as Column[];
  return Object.fromEntries(names.map((column) => [column, cell])) as Row['cells'];
};
const allFine = everywhere(fine);
const databaseAway: Row['cells'] = {
  ...allFine,
  reads: away,
  writes: away,
  keyed: away,
  tags: away,
  ready: down,
  health: down,
};
const catalogAway: Row['cells'] = { ...allFine, reads: away, writes: away, keyed: away, ready: unasked, health: down };
const catalogAwayForAMoment: Row['cells'] = {
  ...allFine,
  reads: perhaps,
  writes: perhaps,
  keyed: perhaps,
  ready: says(soon, 'ok', 'no answer', '503 unavailable', '503'),
  health: says('timeout', 'ok', '503'),
};
const databaseBack: Row['back'] = { how: 'by itself', within: returnBound };

/** Every fault, in the order in which it is tested. */
export const matrix = {
  'database slow': {
    when: 'the database is 50 ms away',
    made: { process: 'latency of 25 ms each way' },
    cells: allFine,
    back: { how: 'nothing was lost' },
  },
  'database trickles': {
    when: "the database's network is slow",
    made: { process: '64 bytes every 2 ms' },
    cells: allFine,
    back: { how: 'nothing was lost' },
  },
  'database locked': {
    when: 'a table of the database is locked',
    made: { process: '`LOCK TABLES product WRITE`' },
    cells: {
      ...allFine,
      reads: says('timeout', '504 upstream_timeout', '503 unavailable'),
      writes: says('timeout', '504 upstream_timeout', '503 unavailable'),
      keyed: says('timeout', '504 upstream_timeout', '503 unavailable'),
      tags: says('timeout', 'ok', '504 upstream_timeout', '503 unavailable'),
    },
    back: databaseBack,
  },
  'database stalled': {
    when: 'the database is stalled',
    made: { process: 'black hole', compose: '`docker compose pause mysql`' },
    cells: databaseAway,
    back: databaseBack,
  },
  'database refuses': {
    when: 'the database refuses connections',
    made: { process: 'nobody listens, and the open connections are reset' },
    cells: databaseAway,
    back: databaseBack,
  },
  'database cut': {
    when: 'every connection to the database is cut, again and again',
    made: { process: 'RST twice a second' },
    cells: {
      ...allFine,
      reads: perhaps,
      writes: perhaps,
      keyed: perhaps,
      tags: perhaps,
      ready: says('timeout', 'ok', '503'),
      health: says('timeout', 'ok', '503'),
    },
    back: databaseBack,
  },
  'database killed': {
    when: 'the database is killed',
    made: { process: 'SIGKILL, then a new start on the same data', compose: '`docker compose kill mysql`' },
    cells: databaseAway,
    back: databaseBack,
  },
  'database stopped': {
    when: 'the database is shut down',
    made: { compose: '`docker compose stop mysql`' },
    cells: databaseAway,
    back: databaseBack,
  },
  'database read-only': {
    when: 'the database is read-only',
    made: { process: '`SET GLOBAL read_only`', compose: '`SET GLOBAL read_only`' },
    cells: { ...allFine, writes: away, keyed: away, tags: perhaps },
    back: databaseBack,
  },
  'database full': {
    when: "the database's disk is full",
    made: { 'small disk': 'MySQL on a tmpfs of 512 MiB, filled by a file' },
    cells: {
      ...everywhere(says('timeout', 'ok', '503 unavailable', '504 upstream_timeout')),
      live: fine,
      ready: says('timeout', 'ok', '503'),
      health: says('timeout', 'ok', '503'),
      pages: fine,
    },
    back: { how: 'by itself, when there is room and MySQL runs' },
    also: 'a large batch is 503',
  },
  'service slow': {
    when: 'catalog-service is 200 ms away',
    made: { process: 'latency of 100 ms each way' },
    cells: allFine,
    back: { how: 'nothing was lost' },
  },
  'service stalled': {
    when: 'catalog-service is stalled',
    made: { process: 'SIGSTOP', compose: '`docker compose pause catalog-service`' },
    cells: { ...catalogAway, writes: perhapsDone },
    back: databaseBack,
    silent: ['catalog-service'],
  },
  'service unreachable': {
    when: 'catalog-service cannot be reached',
    made: { process: 'black hole between it and the gateway' },
    cells: { ...catalogAway, writes: perhapsDone, ready: fine },
    back: databaseBack,
  },
  'service refuses': {
    when: 'catalog-service refuses connections',
    made: { process: 'nobody listens, and the open connections are reset' },
    cells: { ...catalogAway, ready: fine },
    back: databaseBack,
  },
  'service killed': {
    when: 'catalog-service is killed',
    made: { process: 'SIGKILL', compose: '`docker compose kill catalog-service`' },
    cells: catalogAway,
    back: { how: 'the runner starts it again after a second; a container that a person has killed, a person' },
    ends: ['catalog-service'],
    silent: ['catalog-service'],
  },
  'service crashed': {
    when: 'catalog-service crashes',
    made: { compose: 'SIGKILL of its process, inside the container' },
    cells: catalogAwayForAMoment,
    back: { how: 'Docker starts it again at once' },
    ends: ['catalog-service'],
    silent: ['catalog-service'],
  },
  'service restarted': {
    when: 'catalog-service is restarted',
    made: { compose: '`docker compose restart catalog-service`' },
    cells: catalogAwayForAMoment,
    back: { how: 'by itself' },
    ends: ['catalog-service'],
    silent: ['catalog-service'],
  },
  'replica killed': {
    when: 'one of two replicas of catalog-service is killed',
    made: { compose: '`docker kill` of one' },
    cells: { ...allFine, writes: perhaps },
    back: { how: 'nothing was lost' },
    ends: ['catalog-service'],
    replicas: 2,
  },
  'replica stalled': {
    when: 'one of two replicas of catalog-service is stalled',
    made: { compose: '`docker pause` of one' },
    cells: {
      ...allFine,
      writes: perhapsOrLate,
      health: says('timeout', 'ok', '503'),
    },
    back: { how: 'nothing was lost' },
    replicas: 2,
  },
  'request poisonous': {
    when: 'a request ends whatever handles it',
    made: { process: 'SIGKILL of catalog-service whenever the request gets there, twice' },
    cells: { ...allFine, reads: perhaps, writes: perhapsOrLate, keyed: perhapsOrLate },
    back: { how: 'the runner starts it again after a second' },
    ends: ['catalog-service'],
    also: 'after two ends it is 503 and passed on to nobody for a while, then once; others are served',
  },
  'gateway restarted': {
    when: 'the gateway is restarted',
    made: { compose: '`docker compose restart gateway`' },
    cells: everywhere(says('timeout', 'ok', 'no answer', '503 unavailable')),
    back: { how: 'by itself' },
    ends: ['gateway'],
  },
  'gateway killed': {
    when: 'the gateway is killed',
    made: { process: 'SIGKILL' },
    cells: {
      ...everywhere(gone),
      live: fine,
      ready: fine,
    },
    back: { how: 'the runner starts it again after a second' },
    ends: ['gateway'],
    silent: ['gateway'],
  },
  'client slow': {
    when: '100 clients send their bodies byte by byte',
    made: { process: '100 sockets' },
    cells: allFine,
    back: { how: 'nothing was lost' },
    also: 'each of them is cut off when its time is up',
  },
  'client hoards': {
    when: '24 clients send all but the last byte of 8 MiB, again and again',
    made: { process: '8 GETs and 16 POSTs of batches, each sent once more when it is refused' },
    cells: allFine,
    back: { how: 'nothing was lost' },
  },
  'client gone': {
    when: '100 clients go away in the middle of a write',
    made: { process: '100 sockets, reset after up to 50 ms' },
    cells: allFine,
    back: { how: 'nothing was lost' },
    also: 'each of their writes is done or not done, and never half',
  },
  'client deaf': {
    when: '20 clients never read their answers',
    made: { process: '20 sockets, each with 200 requests for long lists' },
    cells: allFine,
    back: { how: 'nothing was lost' },
  },
  'client half-open': {
    when: '100 clients vanish without a word',
    made: { process: 'black hole between them and the gateway, in the middle of a request' },
    cells: allFine,
    back: { how: 'nothing was lost' },
  },
  'redis killed': {
    when: 'the Redis of the rate limits is killed',
    made: { process: 'SIGKILL, then a new start' },
    cells: allFine,
    back: { how: 'nothing was lost' },
  },
  'redis stalled': {
    when: 'the Redis of the rate limits is stalled',
    made: { process: 'SIGSTOP' },
    cells: allFine,
    back: { how: 'nothing was lost' },
  },
  flood: {
    when: '400 connections ask at once',
    made: { process: '400 connections, each with one request that no other shares' },
    cells: {
      ...allFine,
      reads: perhaps,
      writes: perhaps,
      keyed: perhaps,
      tags: perhaps,
    },
    back: { how: 'by itself', within: returnBound },
    also: 'each of them is answered 2xx, or 503 with `Retry-After`',
  },
  'heavy catalogue': {
    when: '32 clients ask for all they may of a catalogue of the longest texts',
    made: {
      process:
        '50 products with 50 tags and texts of 80 KiB, 35 categories in each other; lists, searches and batches at their limits',
    },
    cells: {
      ...allFine,
      reads: perhaps,
      writes: perhaps,
      keyed: perhaps,
      tags: perhaps,
    },
    back: { how: 'by itself', within: returnBound },
    also: 'each of them is answered 2xx, 400 `too_large`, or 503 with `Retry-After`; batches of 8 MiB may also be 504, and are then undone',
  },
} as const satisfies Record<string, Row>;

export type Fault = keyof typeof matrix;

/** The rows that are tested at a level, in order. */
export const rowsAt = (level: Level): [Fault, Row][] =>
  (Object.entries(matrix) as [Fault, Row][]).filter(([, { made }]) => made[level] !== undefined);
