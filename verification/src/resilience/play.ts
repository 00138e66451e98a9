import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { patience, requestUntilAnswered } from '@shop/testing/retry.ts';
import { type Answer, ask, questionsOf, WriteLog } from './ask.ts';
import type { Fault } from './matrix.ts';
import { type Cell, type Column, columns, type Program, type Row } from './row.ts';
import type { MakeFault, OwnRows, System } from './system.ts';

/** Milliseconds by which an answer may be later than is promised, on a machine that runs other tests as well. */
const tolerance = 1_000;

/** What was seen in one row. Lists hold what should not have been, in words. */
export interface Report {
  /** What was wrong in each cell. */
  cells: Record<Column, string[]>;
  /** Requests of clients that went on all the while, and were answered neither as in the cells nor 2xx. */
  meanwhile: string[];
  /** Milliseconds from the end of the fault until all was well; undefined where it did not come to that in time. */
  back: number | undefined;
  /** What was not 2xx after that. */
  after: string[];
  /** Writes that were acknowledged and are not there, or are there twice. */
  writes: string[];
  /** Rules that the data break. */
  data: string[];
  /** What did not come true of the row's `also`. */
  also: string[];
  /** Programs that ended though nobody ended them. */
  ended: Program[];
  /** The most resident bytes that any program has had from its start to the end of the row. */
  peakMemory: number;
  /** The most connections to the database of any account, when the row is over. */
  connections: number;
}

const columnNames = Object.keys(columns) as Column[];

const inWords = ({ request, outcome, milliseconds, problem }: Answer): string =>
  `${request}: ${outcome} in ${milliseconds} ms ${problem}`;

const limitOf = ({ within }: Cell, { requestTimeout }: System): number =>
  (within === 'timeout' ? requestTimeout : within) + tolerance;

/** Asks all requests of all columns at once. */
async function askAll(system: System & OwnRows, log: WriteLog, row: Row): Promise<Record<Column, Answer[]>> {
  const asked = columnNames.map(async (column) => {
    const limit = limitOf(row.cells[column], system);
    return [column, await Promise.all(questionsOf(column, system, log, row).map((one) => ask(one, limit, log)))];
  });
  return Object.fromEntries(await Promise.all(asked));
}

/**
 * Clients that read and write until they are told to end: so requests are under way at every moment of a row. Those who have
 * a key send a write again until it is acknowledged.
 */
function startClients(system: System & OwnRows, log: WriteLog, row: Row) {
  const { gateway } = system.urls;
  const unexpected: string[] = [];
  let ended = false;
  const again = async (column: 'reads' | 'writes') => {
    const { answers } = row.cells[column];
    while (!ended) {
      for (const question of questionsOf(column, system, log, row)) {
        const answer = await ask(question, system.requestTimeout + tolerance, log);
        const allowed = ['ok', '503 unavailable', ...answers];
        if (!allowed.includes(answer.outcome)) unexpected.push(inWords(answer));
      }
      await delay(20);
    }
  };
  const writeWithKeys = async () => {
    while (!ended) {
      const name = log.nextName();
      const headers = { 'Idempotency-Key': randomUUID() };
      const body = { product_name: name, price: 1, stock: 2, tagIds: [system.tag] };
      const answer = await requestUntilAnswered(`${gateway}/api/products`, { method: 'POST', body, headers });
      if (answer.status === 201) log.acknowledged.add(name);
      else unexpected.push(`POST /api/products with a key: ${answer.status} ${answer.text}`);
      await delay(20);
    }
  };
  const running = Promise.all([again('reads'), again('writes'), writeWithKeys(), writeWithKeys()]);
  return async (): Promise<string[]> => {
    ended = true;
    await running;
    return unexpected;
  };
}

/** Asks until everything is well; how many milliseconds that took, or undefined when it took longer than `bound`. */
async function untilWell(system: System & OwnRows, row: Row, bound: number): Promise<number | undefined> {
  const started = performance.now();
  for (;;) {
    const left = started + bound - performance.now();
    if (left <= 0) return undefined;
    const log = new WriteLog('');
    const questions = (['reads', 'ready', 'health'] as const).flatMap((column) =>
      questionsOf(column, system, log, row),
    );
    questions.push({ url: `${system.urls.gateway}/api/tags/1` });
    const answers = await Promise.all(questions.map((one) => ask(one, Math.max(1, Math.round(left)), log)));
    if (answers.every(({ outcome }) => outcome === 'ok')) return performance.now() - started;
    await delay(50);
  }
}

/** The writes that were acknowledged and are not there once, and those that are there more than once. */
async function wrongWrites(system: System, log: WriteLog): Promise<string[]> {
  const times = await system.timesDone(`${log.prefix} `);
  const lost = [...log.acknowledged].filter((name) => !times.has(name)).map((name) => `${name} is lost`);
  const doubled = [...times].filter(([, count]) => count > 1).map(([name, count]) => `${name} is there ${count} times`);
  return [...lost, ...doubled];
}

/**
 * Plays one row of the matrix: makes the fault while clients are at work, asks every column at once and, where
 * nothing ends, a second later, ends the fault, waits until all is well, and looks at what is left.
 */
export async function play<S extends System>(
  system: S & OwnRows,
  [fault, row]: [Fault, Row],
  make: MakeFault<S>,
): Promise<Report> {
  const before = await system.programs();
  const log = new WriteLog(`${fault} ${randomUUID().slice(0, 8)}`);
  const endClients = startClients(system, log, row);
  await delay(200);

  const made = await make(system);
  const rounds = [await askAll(system, log, row)];
  // What is started again by itself may be back a second later.
  if (!row.ends) {
    await delay(1_000);
    rounds.push(await askAll(system, log, row));
  }
  const also = (await made.also?.()) ?? [];
  await made.end();
  const back = await untilWell(system, row, row.back.within === undefined ? patience : row.back.within + tolerance);
  const calm: Row = { ...row, silent: [] };
  const after = Object.values(await askAll(system, log, calm)).flat();
  const meanwhile = await endClients();

  const isWrong = (column: Column) => (answer: Answer) =>
    !(row.cells[column].answers as string[]).includes(answer.outcome);
  const programs = await system.programs();
  return {
    cells: Object.fromEntries(
      columnNames.map((column) => [
        column,
        rounds
          .flatMap((all) => all[column])
          .filter(isWrong(column))
          .map(inWords),
      ]),
    ) as Report['cells'],
    meanwhile,
    back,
    after: after.filter(({ outcome }) => outcome !== 'ok').map(inWords),
    writes: await wrongWrites(system, log),
    data: await system.brokenRules(),
    also,
    ended: (Object.keys(programs) as Program[]).filter(
      (program) => programs[program] !== before[program] && !row.ends?.includes(program),
    ),
    peakMemory: Math.max(...Object.values(await system.peakMemory())),
    connections: await system.connections(),
  };
}
