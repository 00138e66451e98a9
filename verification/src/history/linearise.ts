import { differenceOf, type Exchange } from './exchange.ts';
import type { Outcome } from './state.ts';
import { emptyState, type State } from './state.ts';

/** How far a history could be explained. */
export interface Explanation {
  /** The exchanges in an order in which one after the other gives the same answers; the longest that was found. */
  order: Exchange[];
  /** Why none of those that could come next fits there; empty when all are in the order. */
  stuck: { exchange: Exchange; reason: string }[];
}

/** How many states are looked at before a history is given up. */
const mostStates = 200_000;

/** Why none of the possible outcomes is the answer: for the one that is the nearest, which has its status. */
function reasonAgainst(outcomes: Outcome[], { answer }: Exchange): string {
  const [nearest = outcomes[0]] = outcomes.filter(({ status }) => status === answer.status);
  if (nearest?.status === answer.status) return String(differenceOf(nearest.body, answer.body));
  const { code } = (nearest?.body ?? {}) as { code?: string };
  return `the answer should be ${[nearest?.status, code].filter(Boolean).join(' ')}`;
}

/**
 * Looks for an order in which the exchanges, one after the other, would have been answered as they were: each at some moment
 * between its request and its answer. (This is linearizability, by the search of Wing and Gong, with Lowe's memory of what
 * was tried.) The versions in the answers leave few orders to try.
 * @throws {Error} when that takes too long to find out
 */
export function linearise(exchanges: Exchange[], initial: State = emptyState): Explanation {
  const byAnswer = exchanges.toSorted((a, b) => a.answered - b.answered);
  const done = byAnswer.map(() => false);
  const order: Exchange[] = [];
  const tried = new Set<string>();
  let best: Explanation | undefined;
  let states = 0;

  /** Those that may come next: sent before any that is left was answered. */
  const candidates = (): number[] => {
    const left = byAnswer.flatMap((_, index) => (done[index] ? [] : [index]));
    const deadline = byAnswer[left[0] ?? 0]?.answered ?? 0;
    return left.filter((index) => (byAnswer[index]?.sent ?? 0) <= deadline);
  };

  const take = (index: number): void => {
    done[index] = true;
    order.push(byAnswer[index] as Exchange);
  };

  /** Goes on from a state; true when everything has found its place. */
  const search = (state: State): boolean => {
    const length = order.length;
    const next: { index: number; state: State }[] = [];
    let stuck: Explanation['stuck'] = [];
    // What fits and changes nothing can be taken at once: it stands in nobody's way.
    for (let again = true; again; ) {
      again = false;
      next.length = 0;
      stuck = [];
      for (const index of candidates()) {
        const exchange = byAnswer[index] as Exchange;
        const outcomes = exchange.outcomes(state);
        const outcome = outcomes.find(
          ({ status, body }) => differenceOf({ status, body }, exchange.answer) === undefined,
        );
        if (outcome && (outcome.state === state || exchange.dryRun)) {
          take(index);
          again = true;
        } else if (outcome) next.push({ index, state: outcome.state });
        else stuck.push({ exchange, reason: reasonAgainst(outcomes, exchange) });
      }
    }
    if (order.length === exchanges.length) return true;
    if (next.length === 0 && order.length >= (best?.order.length ?? 0)) best = { order: [...order], stuck };
    const place = `${done.map(Number).join('')} ${JSON.stringify(state)}`;
    if (!tried.has(place)) {
      states += 1;
      if (states > mostStates) throw new Error('There are too many orders to try: whether one fits is not known.');
      for (const { index, state: after } of next) {
        take(index);
        if (search(after)) return true;
        forget(order.length - 1);
      }
      tried.add(place);
    }
    forget(length);
    return false;
  };

  const forget = (length: number): void => {
    for (const exchange of order.splice(length)) done[byAnswer.indexOf(exchange)] = false;
  };

  return search(initial) || !best ? { order, stuck: [] } : best;
}
