import { Problem } from '@shop/service-kit/problem.ts';
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

/** What a batch had done before it was undone. */
export interface Undone {
  create: OutcomeInBody<{ id: number }>[];
  /** With what each operation was to change. */
  update: { outcome: OutcomeInBody<{ id: number }>; changes: object | undefined }[];
  /** The version that each resource had before, of those that the batch names. */
  versions: ReadonlyMap<number, number>;
}

/** Where in the batch each value stands that it had given to a resource: by the resource's id and the field. */
function takersIn({ create, update }: Undone): (id: number, field: string) => string | undefined {
  const created = new Map(create.flatMap((one) => ('resource' in one ? [[one.resource.id, one.pointer]] : [])));
  const changed = new Map(
    update.flatMap(({ outcome, changes = {} }) =>
      'resource' in outcome
        ? Object.keys(changes).map((field) => [`${outcome.resource.id}/${field}`, outcome.pointer])
        : [],
    ),
  );
  return (id, field) => created.get(id) ?? changed.get(`${id}/${field}`);
}

/** A problem of an operation as it is true once the batch is undone: it shows nothing that is gone again. */
function afterUndoing(
  { code, message, errors, members }: Problem,
  undone: Undone,
  takerOf: ReturnType<typeof takersIn>,
) {
  const current = members.current as { id: number; version: number } | undefined;
  if (current && undone.versions.get(current.id) !== current.version) {
    const detail = 'is that of before another operation of the batch';
    return new Problem(code, 'Another operation of the batch changes the resource first.', {
      errors: (errors ?? []).map((fault) => ({ ...fault, detail })),
    });
  }
  const shown = errors?.map(({ id, ...fault }) => {
    const taker = id === undefined ? undefined : takerOf(id, fault.pointer?.split('/').at(-1) ?? '');
    if (taker) return { ...fault, detail: `is taken by ${taker}` };
    return id === undefined ? fault : { ...fault, id };
  });
  return new Problem(code, message, { ...(shown ? { errors: shown } : {}), members });
}

/** The problem of a batch that was undone because some of its operations were refused. */
export function batchFailed(outcomes: OutcomeInBody<unknown>[], undone: Undone): Problem {
  const takerOf = takersIn(undone);
  const items = outcomes.flatMap((outcome) => {
    if (!('problem' in outcome)) return [];
    const { pointer } = outcome;
    const problem = afterUndoing(outcome.problem, undone, takerOf);
    const { code, message, status } = problem;
    const errors = problem.errors ?? [{ pointer, code, detail: `is refused: ${message.replace(/\.$/, '')}` }];
    return [{ pointer, status, problem: problem.toDocument(), errors }];
  });
  const errors = items.flatMap((item) => item.errors);
  const count = `${items.length} of ${outcomes.length} operation${outcomes.length === 1 ? ' was' : 's were'}`;
  return new Problem('batch_failed', `Nothing was changed, because ${count} refused: ${sentenceOf(errors)}.`, {
    errors,
    members: { items: items.map(({ pointer, status, problem }) => ({ pointer, status, problem })) },
  });
}
