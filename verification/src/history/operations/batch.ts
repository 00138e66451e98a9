import fc from 'fast-check';
import { differenceOf, type HistoryAnswer, type HistoryRequest } from '../exchange.ts';
import { bodyOf, fieldsOf, idAt, index, type Known, operation, required } from '../operation.ts';
import { createOutcomes, refusal, updateOutcomes } from '../outcome.ts';
import { removeOutcomes } from '../removal.ts';
import type { Outcome, ResourceName, State } from '../state.ts';

type Item = Record<string, unknown> & { id?: number };
type Items = Record<'create' | 'update' | 'delete', Item[]>;
/** How an item is answered: as it would be alone, its body under `resource` or `problem`. */
type ItemAnswer = { status: number; resource?: unknown; problem?: unknown };

/** What one item may come to: a request like any other. */
const outcomesOf: Record<
  keyof Items,
  (resource: ResourceName, state: State, request: HistoryRequest, answer: HistoryAnswer) => Outcome[]
> = { create: createOutcomes, update: updateOutcomes, delete: removeOutcomes };

/** The order in which the items of a batch are done. */
const order = ['delete', 'update', 'create'] as const;

/** `POST /api/{resource}/batch` */
export const batch = (resource: ResourceName) => {
  const one = fc.record({ at: index, hasVersion: fc.boolean() });
  return operation({
    name: `batch ${resource}`,
    weight: 2,
    parameters: fc.record({
      create: fc.array(fieldsOf(resource, required[resource]), { maxLength: 2 }),
      update: fc.array(fc.tuple(one, fieldsOf(resource, [])), { maxLength: 2 }),
      remove: fc.array(one, { maxLength: 2 }),
      onError: fc.constantFrom('abort', 'continue'),
    }),
    request({ create, update, remove, onError }, known) {
      const items: Items = {
        create: create.map((fields) => bodyOf(fields, known)),
        update: update.map(([target, changes]) => ({ ...bodyOf(changes, known), ...named(target, resource, known) })),
        delete: remove.map((target) => named(target, resource, known)),
      };
      return { method: 'POST', path: `/api/${resource}/batch?_on_error=${onError}`, body: { ...items } };
    },
    outcomes(state, { path, body }, answer) {
      const items = body as unknown as Items;
      const answers: Record<string, ItemAnswer[]> = { create: [], update: [], delete: [] };
      let next = state;
      for (const kind of order) {
        for (const [place, { id, ...fields }] of items[kind].entries()) {
          const given: ItemAnswer | undefined = answer.body?.[kind]?.[place];
          const request: HistoryRequest = { method: 'POST', path: '', body: fields, ...(id ? { id } : {}) };
          const alone = { ...answer, body: given?.resource };
          const outcomes = outcomesOf[kind](resource, next, request, alone);
          const fits = outcomes.find((outcome) => !differenceOf(asItem(outcome), given)) ?? (outcomes[0] as Outcome);
          answers[kind]?.push(asItem(fits));
          next = fits.state;
        }
      }
      const isRefused = Object.values(answers)
        .flat()
        .some(({ status }) => status >= 400);
      if (isRefused && !path.includes('continue')) return [refusal(state, 'batch_failed')];
      return [{ status: 200, body: answers, state: next }];
    },
  });
};

const asItem = ({ status, body }: Outcome): ItemAnswer =>
  status < 400 ? { status, resource: body } : { status, problem: body };

/** What an item names, and the version that it expects, where the client knows one. */
function named({ at, hasVersion }: { at: number; hasVersion: boolean }, resource: ResourceName, known: Known): Item {
  const id = idAt(known, resource, at);
  const version = known.seen.get(`/api/${resource}/${id}`)?.body.version;
  return hasVersion && version ? { id, version } : { id };
}
