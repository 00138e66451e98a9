import { randomUUID } from 'node:crypto';
import { request } from '@shop/testing/http.ts';
import { requestUntilAnswered } from '@shop/testing/retry.ts';
import fc from 'fast-check';
import type { Exchange, HistoryAnswer, HistoryRequest } from './exchange.ts';
import { type Known, nobody, type Operation } from './operation.ts';
import { refusal } from './outcome.ts';
import type { Outcome, ResourceName, State } from './state.ts';

/** How a write is sent; reads are sent as they are. */
export const delivery = fc.constantFrom(
  'plain',
  'plain',
  'keyed',
  'keyed, and again',
  'keyed, twice at once',
  'keyed, and another under its key',
  'dry run',
);

/** One request that a client is to make. */
export interface Step {
  operation: Operation;
  parameters: unknown;
  delivery: string;
}

/** A client of a history: makes one request after the other and writes down what came of it. */
export class HistoryClient {
  readonly #name: string;
  readonly #url: string;
  readonly #known: Known;
  readonly #faults: boolean;

  /**
   * @param known shared with others, but for what it has seen
   * @param faults whether services are killed meanwhile: every write has a key then, and all is sent until it is answered
   */
  constructor(name: string, url: string, known: Known, { faults }: { faults: boolean }) {
    this.#name = name;
    this.#url = url;
    this.#known = known;
    this.#faults = faults;
  }

  async perform({ operation, parameters, delivery }: Step): Promise<Exchange> {
    const request = operation.request(parameters, this.#known);
    const isWrite = request.method !== 'GET';
    const dryRun = isWrite && delivery === 'dry run';
    const keyed = isWrite && !dryRun && (this.#faults || delivery.startsWith('keyed'));
    if (keyed) request.headers = { ...request.headers, 'Idempotency-Key': randomUUID() };
    if (dryRun) request.path += `${request.path.includes('?') ? '&' : '?'}_dry_run=true`;

    const sent = performance.now();
    const answers =
      keyed && delivery === 'keyed, twice at once'
        ? await Promise.all([this.#send(request), this.#send(request)])
        : [await this.#send(request)];
    const answered = performance.now();
    // Of two at once one may be refused for what it met alone, or for the other that still runs.
    const answer = (answers.find(isDone) ??
      answers.find((one) => one.body?.code !== 'request_in_progress') ??
      answers[0]) as HistoryAnswer;

    const flaws = answers.filter(isDone).map((one) => flawOfReplay(answer, one));
    if (keyed && isDone(answer)) flaws.push(await this.#flawOfKey(request, answer, delivery));
    const flaw = flaws.find((each) => each !== undefined);
    if (isDone(answer) && !dryRun) this.#learn(request, answer);
    return {
      client: this.#name,
      request,
      answer,
      sent,
      answered,
      dryRun,
      retries: answers.reduce((sum, { retries = 0 }) => sum + retries, 0),
      ...(flaw ? { flaw } : {}),
      outcomes: (state) => [...operation.outcomes(state, request, answer), ...this.#unavailable(state)],
    };
  }

  /** A write that cannot have its locks in time is refused, and has done nothing. */
  #unavailable(state: State): Outcome[] {
    return this.#faults ? [] : [refusal(state, 'unavailable')];
  }

  #send({ method, path, body, headers = {} }: HistoryRequest): Promise<HistoryAnswer> {
    const options = { method, headers, ...(body ? { body } : {}) };
    return this.#faults ? requestUntilAnswered(this.#url + path, options) : request(this.#url + path, options);
  }

  /** Sends a write that was done once more under its key, as it was or another in its place. */
  async #flawOfKey(request: HistoryRequest, answer: HistoryAnswer, delivery: string): Promise<string | undefined> {
    if (delivery === 'keyed, and again') return flawOfReplay(answer, await this.#send(request));
    if (delivery !== 'keyed, and another under its key') return undefined;
    const { body, ...bodiless } = request;
    const { method, path } = request;
    const other: HistoryRequest =
      body && /^\/api\/\w+(\/\d+)?$/.test(path)
        ? { ...request, body: { ...body, created_at: 'another' } }
        : // Keys belong to a service: another one may have the same.
          { ...bodiless, method: 'DELETE', path: `${path.split('/', 3).join('/')}/${nobody}` };
    const { status, body: problem } = await this.#send(other);
    if (problem?.code === 'idempotency_key_reused') return undefined;
    return `another ${method} under its key is answered ${status} ${JSON.stringify(problem)}`;
  }

  /** Remembers what a resource is now, as a client does that shows it to somebody. */
  #learn({ method, path }: HistoryRequest, { status, headers, body }: HistoryAnswer): void {
    const [, , resource, id, part] = (path.split('?')[0] ?? '').split('/') as [
      string,
      string,
      ResourceName,
      string?,
      string?,
    ];
    const ids = this.#known.ids[resource];
    if (id === 'batch') ids.push(...body.create.flatMap((item: BatchItem) => item.resource?.id ?? []));
    else if (method !== 'DELETE' && part === undefined && !Array.isArray(body)) {
      this.#known.seen.set(`/api/${resource}/${body.id}`, { body, etag: headers.get('etag') });
      if (status === 201) ids.push(body.id);
    }
  }
}

/** How an item of a batch is answered that was done. */
interface BatchItem {
  resource?: { id: number };
}

const isDone = ({ status }: HistoryAnswer): boolean => status < 300;

const isReplay = ({ headers }: HistoryAnswer): boolean => headers.get('idempotency-replayed') === 'true';

/** A write that has a key and was done is answered the same whenever it is sent. */
function flawOfReplay(first: HistoryAnswer, again: HistoryAnswer): string | undefined {
  if (again === first) return undefined;
  const [one, other] = [first, again].map(({ status, body }) => `${status} ${JSON.stringify(body)}`);
  if (one !== other) return `sent again under its key, it is answered ${other}`;
  return isReplay(first) || isReplay(again) ? undefined : 'sent again under its key, it is done again';
}
