import type { Program } from './row.ts';

/** The stack under test, wherever it runs. */
export interface System {
  /** Where the gateway is, and where each program answers how it is. */
  urls: Record<Program, string>;
  /** Its `REQUEST_TIMEOUT_MS`. */
  requestTimeout: number;
  /** What runs: an id for each program, which is another one after a new start. */
  programs(): Promise<Record<Program, string>>;
  /** Resident bytes of each program. */
  memory(): Promise<Record<Program, number>>;
  /** Connections to the database that the services hold, the most of any. */
  connections(): Promise<number>;
  /** How often each write whose name begins so has been done: products, tags and movements of stock are named by their writers. */
  timesDone(prefix: string): Promise<Map<string, number>>;
  /** The rules of `npm run db:verify` that the data break. */
  brokenRules(): Promise<string[]>;
}

/** A fault that has been made. */
export interface MadeFault {
  /** Ends it; returns when what had failed is there again, as seen from where the fault was made. */
  end(): Promise<void>;
  /** What did not come true of the row's `also`. */
  also?(): Promise<string[]>;
}

export type MakeFault<S extends System> = (system: S) => Promise<MadeFault>;
