import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { senderOf } from './client.ts';
import { Problem } from './problem.ts';

/** Says how many whole milliseconds are left for a request when it is sent. */
export const requestTimeoutHeader = 'X-Request-Timeout-Ms';

const headerName = requestTimeoutHeader.toLowerCase();

/** Milliseconds that a request has: those that its sender names in `X-Request-Timeout-Ms`, and `most` at the most. */
export function budgetOf({ headers }: IncomingMessage, most: number): number {
  const named = headers[headerName];
  return typeof named === 'string' && /^\d{1,9}$/.test(named) ? Math.min(Number(named), most) : most;
}

/** The work that runs. */
interface Work {
  /** When it has to end, on the clock of `performance`. */
  end: number;
  /** Who has asked for it. */
  client: string;
  /** Whether somebody still waits for what comes of it. Absent: it is to be done in any case. */
  isWanted?: (() => boolean) | undefined;
}

const atWork = new AsyncLocalStorage<Work>();

/**
 * Runs `work`, for which there are `ms` milliseconds, whatever it is a part of has left.
 * @param isWanted whether somebody still waits for it; as with what it is a part of, when absent
 */
export const within = <T>(
  ms: number,
  work: () => T,
  client = workingFor(),
  isWanted = atWork.getStore()?.isWanted,
): T => atWork.run({ end: performance.now() + ms, client, isWanted }, work);

/** Runs work that others than who asks need, too: it has the same time, and is done when that one has gone. */
export const forAll = <T>(work: () => T): T =>
  atWork.run({ end: atWork.getStore()?.end ?? Number.POSITIVE_INFINITY, client: workingFor() }, work);

/**
 * Milliseconds that are left for the work that runs: 0 or less when the time is up or nobody waits for it any more, Infinity where
 * there is no limit.
 */
export function remaining(): number {
  const { end = Number.POSITIVE_INFINITY, isWanted } = atWork.getStore() ?? {};
  return isWanted && !isWanted() ? 0 : end - performance.now();
}

/** Who has asked for the work that runs, see {@link senderOf}. */
export const workingFor = (): string => atWork.getStore()?.client ?? '';

/**
 * Milliseconds before the end of a request's budget at which its work must have ended: the answer, which tells of it, has to be
 * there before the sender gives up.
 */
const reserveOf = (budget: number): number => Math.min(200, budget / 4);

/** The budget of a request, on the clock of `performance`. */
interface Budget {
  /** When its work has to end, and when it is answered even if that has not. */
  work: number;
  answer: number;
  /** Milliseconds that work has which several requests share, whatever each of them has left. */
  shared: number;
  /** Its work has less than the whole of it. */
  isCutShort?: boolean;
}

const budgets = new WeakMap<IncomingMessage, Budget>();

/**
 * Lets the time of a request begin, which has the milliseconds that its sender names, and `most` at the most.
 * @param most milliseconds
 */
export function beginBudget(req: IncomingMessage, most: number): void {
  const budget = budgetOf(req, most);
  const now = performance.now();
  const reserve = reserveOf(budget);
  budgets.set(req, {
    work: now + budget - reserve,
    answer: now + budget - reserve / 2,
    shared: most - reserveOf(most),
  });
}

/**
 * Runs the work of a request in the time that is left for it. When its client has gone, nothing more is begun: what it has changed
 * so far is undone. Else whoever asks and goes away has more done at a time than there are places for.
 * @throws {Problem} 504 `upstream_timeout`; the work may go on
 */
export async function inTime<T>(req: IncomingMessage, res: ServerResponse, work: () => Promise<T>): Promise<T> {
  const budget = budgets.get(req);
  if (!budget) return work();
  const now = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timeIsUp(req)), Math.max(0, budget.answer - now));
  });
  try {
    return await Promise.race([within(budget.work - now, work, senderOf(req), () => !res.closed), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs work that several requests share. It has the time of a request that has just come, so that nobody is failed by what
 * another has left.
 * @param isWanted whether one of them is still waiting
 */
export function inSharedTime<T>(req: IncomingMessage, work: () => Promise<T>, isWanted: () => boolean): Promise<T> {
  const budget = budgets.get(req);
  return budget ? within(budget.shared, work, senderOf(req), isWanted) : work();
}

/** Milliseconds that are left for the work of a request; Infinity where there is no limit. */
export const timeLeft = (req: IncomingMessage): number =>
  (budgets.get(req)?.work ?? Number.POSITIVE_INFINITY) - performance.now();

/** Leaves the work of a request a share of the time that it has, so that its client is told in time when that was not enough. */
export function cutShort(req: IncomingMessage, share: number): void {
  const budget = budgets.get(req);
  if (!budget) return;
  const now = performance.now();
  budget.work = now + share * (budget.work - now);
  budget.isCutShort = true;
}

/** Whether the work of a request has less than its time, see {@link cutShort}. */
export const isCutShort = (req: IncomingMessage): boolean => budgets.get(req)?.isCutShort === true;

const timeIsUp = ({ method }: IncomingMessage): Problem =>
  new Problem(
    'upstream_timeout',
    method === 'GET' || method === 'HEAD'
      ? 'The request exceeded its deadline.'
      : 'The request exceeded its deadline; the change may or may not have been applied. Read the resource to find out. (A request with an Idempotency-Key can be repeated.)',
  );
