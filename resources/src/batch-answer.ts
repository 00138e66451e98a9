import { type Fault, Problem } from '@shop/service-kit/problem.ts';
import { faultsAt, sentenceOf, validationProblem } from '@shop/service-kit/validation.ts';
import type { Outcome } from './batch.ts';
import type { Operation } from './batch-body.ts';

/** How one operation of a batch is answered. */
export type ItemAnswer = { status: number; resource: unknown } | { status: number; problem: Record<string, unknown> };

/** What became of an operation, and where it stands in the body; its faults are those of the body. */
export type OutcomeInBody<T> = { pointer: string } & Outcome<T>;

/** How many faults are named of one operation of up to a thousand. */
const mostItemFaults = 20;

/** A problem of an operation at `pointer` as a problem of the body. */
const inBody = (pointer: string, problem: Problem): Problem =>
  new Problem(problem.code, problem.message, {
    ...(problem.errors ? { errors: faultsAt(pointer, problem.errors) } : {}),
    members: problem.members,
  });

/**
 * What became of every operation, in the order of the body: `outcomes` are those of the operations that were well-formed.
 */
export function outcomesInBody<T>(operations: Operation<unknown>[], outcomes: Outcome<T>[]): OutcomeInBody<T>[] {
  const done = outcomes.values();
  return operations.map(({ pointer, faults }) => {
    if (faults) return { pointer, problem: validationProblem(faults, mostItemFaults) };
    const outcome = done.next().value as Outcome<T>;
    return 'problem' in outcome
      ? { pointer, problem: inBody(pointer, outcome.problem) }
      : { pointer, resource: outcome.resource };
  });
}

/** One operation's part of the answer; `status` is that of one that was done. */
export const itemAnswer = (outcome: Outcome<unknown>, status: number): ItemAnswer =>
  'problem' in outcome
    ? { status: outcome.problem.status, problem: outcome.problem.toDocument() }
    : { status, resource: outcome.resource };

/** A fault that names the holder of a value by an id which is gone again with the batch, with the holder's place instead. */
function withPlaceOfHolder({ id, ...fault }: Fault, created: ReadonlyMap<number, string>): Fault {
  const place = id === undefined ? undefined : created.get(id);
  if (place) return { ...fault, detail: `is taken by ${place}` };
  return id === undefined ? fault : { ...fault, id };
}

/**
 * The problem of a batch that was undone because some of its operations were refused.
 * @param created the outcomes of its creates
 */
export function batchFailed(outcomes: OutcomeInBody<unknown>[], created: OutcomeInBody<{ id: number }>[]): Problem {
  const places = new Map(
    created.flatMap((outcome) => ('resource' in outcome ? [[outcome.resource.id, outcome.pointer]] : [])),
  );
  const items = outcomes.flatMap((outcome) => {
    if (!('problem' in outcome)) return [];
    const { pointer, problem } = outcome;
    const { code, message, status, members } = problem;
    const errors = problem.errors?.map((fault) => withPlaceOfHolder(fault, places));
    const shown = new Problem(code, message, { ...(errors ? { errors } : {}), members });
    return [
      {
        pointer,
        status,
        problem: shown.toDocument(),
        errors: errors ?? [{ pointer, code, detail: `is refused: ${message.replace(/\.$/, '')}` }],
      },
    ];
  });
  const errors = items.flatMap((item) => item.errors);
  const count = `${items.length} of ${outcomes.length} operation${outcomes.length === 1 ? ' was' : 's were'}`;
  return new Problem('batch_failed', `Nothing was changed, because ${count} refused: ${sentenceOf(errors)}.`, {
    errors,
    members: { items: items.map(({ pointer, status, problem }) => ({ pointer, status, problem })) },
  });
}
