// @ts-expect-error: autocannon has no types; what is used of it is declared as `RunAutocannon` below
import untypedAutocannon from 'autocannon';
import { cpuSeconds } from './cpu.ts';

interface AutocannonRequest {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

interface AutocannonClient {
  setRequests(
    requests: { setupRequest(defaults: object): object; onResponse?(status: number, body: string): void }[],
  ): void;
}

type RunAutocannon = (options: {
  url: string;
  connections: number;
  duration: number;
  setupClient(client: AutocannonClient): void;
}) => Promise<{
  requests: { total: number };
  latency: { p50: number; p99: number };
  errors: number;
  statusCodeStats?: Record<string, { count?: number }>;
}>;

const autocannon = untypedAutocannon as RunAutocannon;

/** Something that answers a case's requests, and the processes that this costs, by what they are. */
export interface Contestant {
  url: string;
  processes: Record<string, number>;
}

export type BenchRequest = Omit<AutocannonRequest, 'method'> & { method?: 'GET' | 'POST' | 'PUT' };

/** What one connection sends, one request after the other, each when the one before has been answered. */
export interface Client {
  next(): BenchRequest;
  answered?(body: string): void;
}

/** Makes the client of each connection. */
export type Script = () => Client;

/** Clients that send the requests of one list in turn, together. */
export function inTurn(requests: BenchRequest[]): Script {
  let sent = 0;
  return () => ({ next: () => requests[sent++ % requests.length] as BenchRequest });
}

/** What one round of load has shown. Times in milliseconds, CPU in microseconds per request. */
export interface Round {
  perSecond: number;
  p50: number;
  p99: number;
  /** Of all processes of the contestant. */
  cpu: number;
  /** Of each of them. */
  shares: Record<string, number>;
  /** Answers that were not expected, and connections that failed. */
  failures: number;
}

/** Sends what the clients of `script` ask over `connections` for `seconds`, and measures what it costs the contestant. */
export async function runLoad(
  { url, processes }: Contestant,
  script: Script,
  { seconds, connections, expected }: { seconds: number; connections: number; expected: number },
): Promise<Round> {
  const names = Object.keys(processes);
  const pids = Object.values(processes);
  const before = await cpuSeconds(pids);
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    setupClient: (connection) => {
      const client = script();
      connection.setRequests([
        {
          setupRequest: (defaults) => ({ ...defaults, method: 'GET', ...client.next() }),
          ...(client.answered ? { onResponse: (_status, body) => client.answered?.(body) } : {}),
        },
      ]);
    },
  });
  const after = await cpuSeconds(pids);
  const { total } = result.requests;
  const shares = names.map((name, index): [string, number] => [
    name,
    (((after[index] ?? 0) - (before[index] ?? 0)) / Math.max(1, total)) * 1e6,
  ]);
  const right = result.statusCodeStats?.[expected]?.count ?? 0;
  return {
    perSecond: total / seconds,
    p50: result.latency.p50,
    p99: result.latency.p99,
    cpu: shares.reduce((sum, [, share]) => sum + share, 0),
    shares: Object.fromEntries(shares),
    failures: result.errors + (total - right),
  };
}

const middle = (figures: number[]): number =>
  figures.toSorted((a, b) => a - b)[Math.floor((figures.length - 1) / 2)] ?? 0;

/** The median of each figure over several rounds; failures are added up. */
export function medianOf(rounds: Round[]): Round {
  const median = (figure: 'perSecond' | 'p50' | 'p99' | 'cpu'): number => middle(rounds.map((round) => round[figure]));
  const processes = Object.keys(rounds[0]?.shares ?? {});
  return {
    perSecond: median('perSecond'),
    p50: median('p50'),
    p99: median('p99'),
    cpu: median('cpu'),
    shares: Object.fromEntries(processes.map((name) => [name, middle(rounds.map(({ shares }) => shares[name] ?? 0))])),
    failures: rounds.reduce((sum, { failures }) => sum + failures, 0),
  };
}
