import type { Agent } from 'node:http';
import { request } from '@shop/testing/http.ts';
import fc from 'fast-check';
import { type ApiDocument, readDocument } from './document.ts';
import { exchange, oneConnection, type RawAnswer } from './exchange.ts';
import { anyRequest, curlOf, type HostileRequest } from './hostile-request.ts';
import { OwnRows, ownId } from './own-row.ts';
import { createJudge, type Judge } from './verdict.ts';

/** How much is sent, and what it is made from. */
export interface FuzzOptions {
  /** How many requests are sent under one seed. The same seed and number make the same requests. */
  seed: number;
  requests: number;
  /** Milliseconds after which it ends early, shrinking included. */
  timeLimit: number;
}

export interface FuzzResult {
  requests: number;
  /** How many answers had which status. */
  statuses: Map<number, number>;
  /** The request that took longest, and its milliseconds. */
  slowest: { milliseconds: number; request: string };
  /** The smallest request that was found to be answered wrongly, and how. */
  failure: string | undefined;
}

const own = /^\/api\/(?:categories|products|tags)\/\d+/;
const isSafe = (method: string): boolean => ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND'].includes(method);

/** Sends hostile requests one after the other on one connection, and judges each answer. */
class HostileClient {
  readonly #gateway: string;
  readonly #agent: Agent = oneConnection();
  readonly #rows: OwnRows;
  readonly #judge: Judge;
  readonly statuses = new Map<number, number>();
  requests = 0;
  slowest = { milliseconds: 0, request: '' };

  constructor(gateway: string, judge: Judge, rows: OwnRows) {
    this.#gateway = gateway;
    this.#judge = judge;
    this.#rows = rows;
  }

  /** A request with the ids of rows that there are. */
  #filled({ target, headers, body, ...request }: HostileRequest): HostileRequest {
    return {
      ...request,
      target: this.#rows.fill(target),
      headers,
      body: body && { ...body, text: this.#rows.fill(body.text) },
    };
  }

  /** @throws {Error} that shows the request and what is wrong with its answer */
  async send(hostile: HostileRequest): Promise<void> {
    const request = this.#filled(hostile);
    const path = isSafe(request.method) ? undefined : own.exec(request.target)?.[0];
    const before = path && (await this.#read(path));
    const fail = (what: string, answer?: RawAnswer): never => {
      const told = answer
        ? `\n→ ${answer.status} ${JSON.stringify(answer.headers)}\n${answer.text.slice(0, 2_000)}`
        : '';
      throw new Error(`${what}\n\n${curlOf(this.#gateway, request)}\n${told}`);
    };
    const started = performance.now();
    const answer: RawAnswer = await exchange(this.#gateway, request, this.#agent).catch((error) =>
      fail(
        `it is not answered: ${error.name === 'AbortError' || error.name === 'TimeoutError' ? 'it hangs' : error.message}`,
      ),
    );
    this.requests += 1;
    const milliseconds = Math.round(performance.now() - started);
    if (milliseconds > this.slowest.milliseconds)
      this.slowest = { milliseconds, request: curlOf(this.#gateway, request) };
    this.statuses.set(answer.status, (this.statuses.get(answer.status) ?? 0) + 1);
    let wrong: string | undefined;
    try {
      wrong = this.#judge(request, answer);
    } catch (error) {
      wrong = (error as Error).message;
    }
    if (wrong) fail(wrong, answer);
    const unchanged = answer.status >= 400 || answer.headers['dry-run'] === 'true';
    if (path && unchanged && (await this.#read(path)) !== before)
      fail('it was refused or a dry run, and changed something', answer);
    if (!isSafe(request.method) && !unchanged) await this.#rows.restore();
  }

  async #read(path: string): Promise<string> {
    const request: HostileRequest = { method: 'GET', target: path, headers: [], body: undefined };
    const { status, text } = await exchange(this.#gateway, request, this.#agent);
    return status === 200 ? text : String(status);
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** How a failure of a property is told: the message alone, and how to have it again. */
function tell(
  { counterexample, errorInstance, seed, counterexamplePath, numRuns, numShrinks }: fc.RunDetails<[HostileRequest]>,
  requests: number,
): string {
  const { message } = errorInstance as Error;
  return [
    message,
    '',
    `Request ${numRuns} of FUZZ_SEED=${seed} FUZZ_RUNS=${requests}, made smaller ${numShrinks} times (path ${counterexamplePath}).`,
    counterexample ? '' : 'It could not be made smaller.',
  ].join('\n');
}

/** Gives the cursors of lists an example: one that is good for the list without filters. */
async function addCursors(gateway: string, { operations }: ApiDocument): Promise<void> {
  for (const { template, parameters } of operations) {
    const cursor = parameters.find(({ name }) => name === '_cursor');
    if (!cursor || template.includes('{')) continue;
    const { headers } = await request(`${gateway}${template}?_limit=1`);
    const next = /[?&]_cursor=([^&>]+)[^>]*>; rel="next"/.exec(headers.get('Link') ?? '')?.[1];
    if (next) cursor.schema.example = next;
  }
}

/** What a normal request is answered after all of this: no prototype of the services has got properties. */
async function stainOf(gateway: string, path: string): Promise<string | undefined> {
  const { text, body } = await request(`${gateway}${path}?_fields=version`);
  const { status } = await request(`${gateway}${path}?polluted=1`);
  return /^{"version":\d+}\n$/.test(text) && status === 400
    ? undefined
    : `${path}?_fields=version is ${JSON.stringify(body)}`;
}

/** Makes what sends hostile requests to a gateway, until one of them is answered wrongly. */
export async function createFuzzer(gateway: string): Promise<(options: FuzzOptions) => Promise<FuzzResult>> {
  const document = await readDocument(gateway);
  await addCursors(gateway, document);
  const requestArbitrary = anyRequest(document);
  const judge = createJudge(document);
  return async ({ seed, requests, timeLimit }) => {
    const rows = new OwnRows(gateway, `fuzz ${process.pid} ${Date.now()} ${seed}`);
    await rows.restore();
    const client = new HostileClient(gateway, judge, rows);
    const property = fc.asyncProperty(requestArbitrary, (hostile) => client.send(hostile));
    const limits = { interruptAfterTimeLimit: timeLimit, markInterruptAsFailure: false };
    const details = await fc.check(property, { seed, numRuns: requests, ...limits });
    client.close();
    await rows.restore();
    const stains = [
      await stainOf(gateway, rows.fill(`/api/products/${ownId('products', 0)}`)),
      await stainOf(gateway, rows.fill(`/api/tags/${ownId('tags', 0)}`)),
    ];
    await rows.remove();
    return {
      requests: client.requests,
      statuses: client.statuses,
      slowest: client.slowest,
      failure: details.failed
        ? tell(details as fc.RunDetails<[HostileRequest]>, requests)
        : stains.find((stain) => stain !== undefined),
    };
  };
}
