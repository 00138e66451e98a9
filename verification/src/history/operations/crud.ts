import fc from 'fast-check';
import {
  bodyOf,
  expectation,
  fieldsOf,
  idAt,
  ifMatch,
  index,
  type Known,
  nobody,
  type Operation,
  operation,
  required,
} from '../operation.ts';
import { createOutcomes, nameField, presented, presentedWhole, refusal, updateOutcomes } from '../outcome.ts';
import { removeOutcomes } from '../removal.ts';
import { entriesOf, type ResourceName, rowOf } from '../state.ts';

/** POST */
export const create = (resource: ResourceName) =>
  operation({
    name: `create ${resource}`,
    weight: 3,
    parameters: fieldsOf(resource, required[resource]),
    request: (parameters, known) => ({
      method: 'POST',
      path: `/api/${resource}`,
      body: bodyOf(parameters, known),
    }),
    outcomes: (state, request, answer) => createOutcomes(resource, state, request, answer),
  });

/** PUT or PATCH */
export const update = (resource: ResourceName, method: 'PUT' | 'PATCH') =>
  operation({
    name: `${method} ${resource}`,
    weight: 4,
    parameters: fc.record({ at: index, changes: fieldsOf(resource, []), expects: expectation }),
    request({ at, changes, expects }, known) {
      const id = idAt(known, resource, at);
      const path = `/api/${resource}/${id}`;
      const { body: last, etag } = known.seen.get(path) ?? { body: {}, etag: null };
      const version = last.version as number | undefined;
      const body = {
        ...(expects === 'whole' ? last : {}),
        ...bodyOf(changes, known),
        ...(expects === 'version' && version ? { version } : {}),
        ...(expects === 'wrong version' ? { version: (version ?? 1) + 1 } : {}),
      };
      return { method, path, id, body, ...ifMatch(expects, etag) };
    },
    outcomes: (state, request) => updateOutcomes(resource, state, request),
  });

/** What becomes of the products of a category. */
const policy = fc.tuple(fc.constantFrom('detach', 'reject', 'delete', 'reassign'), index);

/** DELETE */
export const remove = (resource: ResourceName) =>
  operation({
    name: `delete ${resource}`,
    weight: 2,
    parameters: fc.record({ at: index, expects: expectation, policy }),
    request({ at, expects, policy: [kind, target] }, known) {
      const id = idAt(known, resource, at);
      const path = `/api/${resource}/${id}`;
      const to = idAt(known, 'categories', target);
      const query = kind === 'reassign' ? `?products=reassign:${to === id ? nobody : to}` : `?products=${kind}`;
      const headers = ifMatch(expects, known.seen.get(path)?.etag ?? null);
      return { method: 'DELETE', path: resource === 'categories' ? path + query : path, id, ...headers };
    },
    outcomes: (state, request) => removeOutcomes(resource, state, request),
  });

/** GET of one */
export const read = (resource: ResourceName) =>
  operation({
    name: `get ${resource}`,
    weight: 2,
    parameters: index,
    request(at, known) {
      const id = idAt(known, resource, at);
      return { method: 'GET', path: `/api/${resource}/${id}`, id };
    },
    outcomes(state, { id = 0 }) {
      const row = rowOf(state, resource, id);
      return [row ? { status: 200, body: presented(resource, id, row), state } : refusal(state, 'not_found')];
    },
  });

const listPath = (resource: ResourceName, { prefix }: Known) =>
  `/api/${resource}?${nameField(resource)}_like=${prefix}&_sort=id&_limit=250`;

/** GET of all ids and versions, which are of one moment. */
export const list = (resource: ResourceName) =>
  operation({
    name: `list ${resource}`,
    weight: 1,
    parameters: fc.constant(null),
    request: (_, known) => ({ method: 'GET', path: `${listPath(resource, known)}&_fields=id,version&_embed=` }),
    outcomes(state) {
      const body = entriesOf(state, resource).map(([id, { version }]) => ({ id, version }));
      return [{ status: 200, body, state }];
    },
  });

/** All that a resource shows of itself and of the others. What is embedded is read in statements of its own, so only when nobody writes. */
export const wholeList = (resource: ResourceName): Operation =>
  operation({
    ...list(resource),
    name: `all ${resource}`,
    request: (_, known) => ({ method: 'GET', path: listPath(resource, known) }),
    outcomes(state) {
      const body = entriesOf(state, resource).map(([id, row]) => presentedWhole(state, resource, id, row));
      return [{ status: 200, body, state }];
    },
  });
