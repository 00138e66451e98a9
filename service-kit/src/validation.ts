import type { Request } from 'express';
import type * as z from 'zod';
import { inexactNumbers } from './exact-numbers.ts';
import { prettyValues } from './json-response.ts';
import { bodyTypes } from './media-types.ts';
import { type Fault, Problem } from './problem.ts';
import type { Input, Route } from './route.ts';

type Part = 'params' | 'query' | 'headers' | 'body';

/**
 * Parses path, query, headers and body by the route's schemas.
 * @throws {Problem} 415 for a body that is not JSON; 400 that names every fault of all four parts at once
 */
export function parseRequest(route: Route, req: Request): Input<never, never, never, never> {
  // A client that sends no body may still say that it has no bytes; there is nothing that could have a type.
  const empty = req.headers['content-length'] === '0';
  if (route.body && !empty && req.is(bodyTypes) === false) {
    throw new Problem('unsupported_media_type', 'Send the body as application/json.', {
      headers: {
        Accept: 'application/json',
        ...(route.method === 'patch' ? { 'Accept-Patch': bodyTypes.join(', ') } : {}),
      },
    });
  }
  // Not `push` with all of them as arguments: there may be more faults than arguments have room on the stack.
  let faults: Fault[] = [];
  const parse = (part: Part, schema: z.ZodType | undefined, value: unknown): unknown => {
    if (!schema) {
      if (part === 'query') faults = faults.concat(unknownKeys(part, Object.keys(value as object), []));
      return undefined;
    }
    // A body whose parts are parsed later has their faults found then.
    const parsed = part === 'body' && !route.documentedBody ? parseBody(schema, value) : parsePart(part, schema, value);
    if (parsed.faults) faults = faults.concat(parsed.faults);
    return parsed.value;
  };
  const params = parse('params', route.params, req.params);
  const { _pretty, ...parameters } = req.query;
  faults = faults.concat(prettyFaults(_pretty));
  const query = parse('query', route.query, parameters);
  const named = Object.keys(route.headers?.shape ?? {}).map((name) => [name, req.get(name)]);
  const headers = parse('headers', route.headers, Object.fromEntries(named));
  const body = parse('body', route.body, route.isBodyOptional ? (req.body ?? {}) : req.body);
  faults = faults.concat(route.crossCheck?.({ params: req.params, query: parameters, body: req.body }) ?? []);
  if (faults.length > 0) throw validationProblem(faults);
  return { params, query, headers, body, request: req } as Input<never, never, never, never>;
}

/** What is wrong with the value of `_pretty`, which every route takes. */
function prettyFaults(value: unknown): Fault[] {
  if (value === undefined || prettyValues.includes(value as string)) return [];
  const detail = Array.isArray(value) ? 'must be given once' : 'must be true or false';
  return [{ parameter: '_pretty', code: 'invalid_value', detail, allowed: ['true', 'false'] }];
}

function parsePart<S extends z.ZodType>(part: Part, schema: S, value: unknown): Parsed<z.output<S>> {
  // With the input in each issue, what is missing can be told from what is wrong.
  const result = schema.safeParse(value, { reportInput: true, error: usualSentence });
  if (result.success) return { value: result.data };
  const faults = result.error.issues.slice(0, mostFaults + 1).flatMap((issue) => faultsOf(part, issue, schema));
  return { faults: onePerPlace(faults) };
}

/** A value as its schema gives it back, or what is wrong with it. */
export type Parsed<T> = { value: T; faults?: undefined } | { value?: undefined; faults: Fault[] };

/** Parses a body, or a part of one; pointers begin there. */
export function parseBody<S extends z.ZodType>(schema: S, value: unknown): Parsed<z.output<S>> {
  const parsed = parsePart('body', schema, value);
  const known = new Set(parsed.faults?.map(({ pointer }) => pointer));
  const inexact: Fault[] = [];
  for (const fault of inexactNumbers(value)) {
    if (inexact.length > mostFaults) break;
    if (!known.has(fault.pointer)) inexact.push(fault);
  }
  return inexact.length > 0 ? { faults: [...(parsed.faults ?? []), ...inexact] } : parsed;
}

/** Faults of a part of the body as faults of the body; `pointer` leads to the part. */
export const faultsAt = (pointer: string, faults: Fault[]): Fault[] =>
  faults.map((fault) =>
    fault.header || fault.parameter ? fault : { ...fault, pointer: pointer + (fault.pointer ?? '') },
  );

/**
 * How many faults a problem names: a body can have hundreds of thousands, and each says more than there was in the body. Beyond
 * them no more are looked for.
 */
const mostFaults = 1_000;

/**
 * The first fault of each place: what follows from it, such as the length of what should have been a list, is none of its own.
 * Of several bounds it is the narrowest.
 */
function onePerPlace(faults: Fault[]): Fault[] {
  const kept = new Map<string, Fault>();
  for (const fault of faults) {
    const place = JSON.stringify([fault.pointer, fault.parameter, fault.header]);
    const known = kept.get(place);
    if (!known || (known.code === fault.code && isNarrower(fault, known))) kept.set(place, fault);
  }
  return [...kept.values()];
}

function isNarrower(fault: Fault, than: Fault): boolean {
  const bounds = fault.allowed as { minimum?: number; maximum?: number } | undefined;
  const others = than.allowed as typeof bounds;
  return Number(bounds?.maximum) < Number(others?.maximum) || Number(bounds?.minimum) > Number(others?.minimum);
}

/** 400 that names every fault, up to `most`; its code says when there is nothing wrong but unknown parameters. */
export function validationProblem(found: Fault[], most = mostFaults): Problem {
  const faults = onePerPlace(found);
  const onlyUnknown = faults.every((fault) => fault.code === 'unknown_parameter');
  return new Problem(
    onlyUnknown ? 'unknown_parameter' : 'validation_failed',
    `${countInWords(faults.length)} not valid: ${sentenceOf(faults)}.`,
    { errors: faults.slice(0, most) },
  );
}

function countInWords(faults: number): string {
  if (faults === 1) return 'One value is';
  return faults > mostFaults ? `More than ${mostFaults} values are` : `${faults} values are`;
}

/** How many faults are told in the sentence of a problem; `errors` has more. */
const toldFaults = 20;

/** Faults in words: `/price is required; /stock must be at least 0`. */
export function sentenceOf(faults: Fault[]): string {
  const told = faults.slice(0, toldFaults).map((fault) => `${placeOf(fault)} ${fault.detail}`);
  const others = faults.length - told.length;
  return [...told, ...(others > 0 ? [`${faults.length > mostFaults ? 'at least ' : ''}${others} more`] : [])].join(
    '; ',
  );
}

const placeOf = (fault: Fault): string => fault.parameter ?? fault.header ?? (fault.pointer || 'the body');

/** Characters of a name that are told: a body can consist of a single one. */
const longestName = 200;

const told = (key: PropertyKey): string => {
  const name = String(key);
  return name.length <= longestName ? name : `${name.slice(0, longestName)}…`;
};

/** RFC 6901. */
const pointerTo = (path: PropertyKey[]): string =>
  path.map((key) => `/${told(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

function locate(part: Part, path: PropertyKey[]): Pick<Fault, 'pointer' | 'parameter' | 'header'> {
  if (part === 'body') return { pointer: pointerTo(path) };
  const name = path.map(told).join('.');
  return part === 'headers' ? { header: name } : { parameter: name };
}

function unknownKeys(part: Part, keys: string[], allowed: string[], path: PropertyKey[] = []): Fault[] {
  return keys.slice(0, mostFaults + 1).map((key) => ({
    ...locate(part, [...path, key]),
    code: part === 'body' ? 'unknown_field' : 'unknown_parameter',
    detail: part === 'body' ? 'is not a field of this resource' : 'is not a parameter of this path',
    allowed,
  }));
}

/** One zod issue as faults: its place, a stable code, a sentence, and what is allowed there. */
function faultsOf(part: Part, issue: z.core.$ZodIssue, schema: z.ZodType): Fault[] {
  const place = locate(part, issue.path);
  const fault = (code: string, detail: string, allowed?: unknown): Fault[] => [
    { ...place, code, detail, ...(allowed === undefined ? {} : { allowed }) },
  ];
  const { message } = issue;
  if (
    part === 'query' &&
    Array.isArray(issue.input) &&
    (issue.code === 'invalid_type' || issue.code === 'invalid_value')
  )
    return fault('invalid_value', 'must be given once');
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = issue.path.length === 0 && 'shape' in schema ? Object.keys(schema.shape as object) : [];
      return unknownKeys(part, issue.keys, known, issue.path);
    }
    case 'invalid_type':
      if (issue.input === undefined) return fault('required', 'is required');
      return fault('invalid_type', message, { type: issue.expected });
    case 'invalid_union':
      if (issue.input === undefined) return fault('required', 'is required');
      return fault('invalid_type', message);
    case 'invalid_value':
      if (issue.input === undefined) return fault('required', 'is required', issue.values);
      return fault('invalid_value', message, issue.values);
    case 'too_small':
      return fault(isSized(issue.origin) ? 'too_short' : 'too_small', message, { minimum: Number(issue.minimum) });
    case 'too_big':
      return fault(isSized(issue.origin) ? 'too_long' : 'too_large', message, { maximum: Number(issue.maximum) });
    case 'invalid_format':
      return fault(
        'invalid_format',
        message,
        issue.pattern ? { pattern: issue.pattern.replace(/^\/(.*)\/[a-z]*$/, '$1') } : undefined,
      );
    case 'custom':
      return fault(String(issue.params?.code ?? 'invalid_value'), message, issue.params?.allowed);
    default:
      return fault('invalid_value', message);
  }
}

const isSized = (origin: string): boolean => origin === 'string' || origin === 'array';

/** What an issue says, in the place of zod's own words, unless the schema has a sentence for it. */
function usualSentence(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return typeSentence(issue.expected);
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'too_small':
      return sizeSentence(issue.origin, 'at least', issue.minimum);
    case 'too_big':
      return sizeSentence(issue.origin, 'at most', issue.maximum);
    default:
      return undefined;
  }
}

const typeSentence = (expected: string): string =>
  ({
    int: 'must be a whole number',
    array: 'must be an array',
    object: 'must be a JSON object',
    record: 'must be a JSON object',
  })[expected] ?? `must be a ${expected}`;

function sizeSentence(origin: string, bound: string, limit: number | bigint): string {
  if (origin === 'string') return `must have ${bound} ${limit} character${Number(limit) === 1 ? '' : 's'}`;
  if (origin === 'array') return `must have ${bound} ${limit} item${Number(limit) === 1 ? '' : 's'}`;
  return `must be ${bound} ${limit}`;
}
