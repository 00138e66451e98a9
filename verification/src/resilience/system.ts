import { request } from '@shop/testing/http.ts';
import type { Program } from './row.ts';

/** The stack under test, wherever it runs. */
export interface System {
  /** Where the gateway is, and where each program answers how it is. */
  urls: Record<Program, string>;
  /** Its `REQUEST_TIMEOUT_MS`. */
  requestTimeout: number;
  /** What runs: an id for each program, which is another one after a new start. */
  programs(): Promise<Record<Program, string>>;
  /** The most resident bytes that each program has had since its start. */
  peakMemory(): Promise<Record<Program, number>>;
  /** Connections to the database that the services hold, the most of any. */
  connections(): Promise<number>;
  /** How often each write whose name begins so has been done: products, tags and movements of stock are named by their writers. */
  timesDone(prefix: string): Promise<Map<string, number>>;
  /** The rules of `npm run db:verify` that the data break. */
  brokenRules(): Promise<string[]>;
}

/** Rows that writers change, by their ids: those of the seed are other tests' too. */
export interface OwnRows {
  /** Whose stock is moved. */
  product: number;
  /** What gets new tags: another one, since a service that is frozen in the middle of a write keeps its locks. */
  tagged: number;
  tag: number;
}

/** Creates products and a tag for the writers of a system. */
export async function withOwnRows<S extends System>(system: S): Promise<S & OwnRows> {
  const create = async (path: string, body: object): Promise<number> =>
    (await request(`${system.urls.gateway}${path}`, { method: 'POST', body })).body.id;
  const name = `resilience ${Date.now()}`;
  const [product, tagged] = [
    await create('/api/products', { product_name: name, price: 1 }),
    await create('/api/products', { product_name: name, price: 1 }),
  ];
  return { ...system, product, tagged, tag: await create('/api/tags', { tag_name: name }) };
}

/** A fault that has been made. */
export interface MadeFault {
  /** Ends it; returns when what had failed is there again, as seen from where the fault was made. */
  end(): Promise<void>;
  /** What did not come true of the row's `also`. */
  also?(): Promise<string[]>;
}

export type MakeFault<S extends System> = (system: S & OwnRows) => Promise<MadeFault>;
