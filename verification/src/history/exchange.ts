import { isDeepStrictEqual } from 'node:util';
import type { TestResponse } from '@shop/testing/http.ts';
import type { Outcome, State } from './state.ts';

/** A request of a history. */
export interface HistoryRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  body?: Record<string, unknown>;
  headers?: Record<string, string>;
  /** The id in its path. */
  id?: number;
}

export type HistoryAnswer = Pick<TestResponse, 'status' | 'headers' | 'body'> & { retries?: number };

/** A request, its answer, and when: milliseconds of one clock. Whatever it did, it did between the two. */
export interface Exchange {
  client: string;
  request: HistoryRequest;
  answer: HistoryAnswer;
  sent: number;
  answered: number;
  dryRun?: boolean;
  /** How often it was sent again before it was answered, all in all. */
  retries: number;
  /** What is wrong whatever the order: a replay that differs from the first answer, say. */
  flaw?: string;
  /** What may be answered in a state, and what comes of it; none when there is nothing that fits. */
  outcomes(state: State): Outcome[];
}

/**
 * Where an answer differs from what it should be: `version is 3, and should be 2`. Of an object only the fields that are
 * expected count, of an array every element.
 */
export function differenceOf(expected: unknown, actual: unknown, where = 'the body'): string | undefined {
  if (typeof expected !== 'object' || expected === null || typeof actual !== 'object' || actual === null) {
    if (isDeepStrictEqual(expected, actual)) return undefined;
    return `${where} is ${JSON.stringify(actual)}, and should be ${JSON.stringify(expected)}`;
  }
  if (Array.isArray(expected) && (!Array.isArray(actual) || actual.length !== expected.length)) {
    return `${where} has ${JSON.stringify(actual)}, and should have ${JSON.stringify(expected)}`;
  }
  for (const [key, value] of Object.entries(expected)) {
    const path = where === 'the body' ? key : `${where}.${key}`;
    const difference = differenceOf(value, (actual as Record<string, unknown>)[key], path);
    if (difference) return difference;
  }
  return undefined;
}

/** What says nothing about a history, or is said elsewhere in it. */
const untold = new Set(['created_at', 'updated_at', 'instance', 'type', 'title', 'detail', 'message', 'errors']);

/** Resources inside others are told by their ids. */
function told(key: string, value: unknown): unknown {
  if (untold.has(key)) return undefined;
  if ((key === 'tags' || key === 'products') && Array.isArray(value)) return value.map(({ id }) => id);
  if (key === 'category' && value) return (value as { id: number }).id;
  return value;
}

/** An exchange in one line. */
export function lineOf({ client, request, answer, sent, answered, retries }: Exchange, start: number): string {
  const { method, path, body, headers = {} } = request;
  const { status } = answer;
  const given = Object.entries(headers).map(([name, value]) => ` ${name}: ${value}`);
  const [from, to] = [sent - start, answered - start].map((time) => time.toFixed(1));
  const sending = `${method} ${path}${given.join('')}${body ? ` ${JSON.stringify(body)}` : ''}`;
  const again = retries > 0 ? ` (sent ${retries} times more)` : '';
  return `${client.padEnd(8)} ${from}–${to} ms  ${sending}${again} → ${status} ${JSON.stringify(answer.body, told) ?? ''}`;
}
