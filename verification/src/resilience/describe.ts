import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Fault, rowsAt } from './matrix.ts';
import { play, type Report } from './play.ts';
import { backInWords, cellInWords } from './render.ts';
import { type Column, columns, type Level, type Row } from './row.ts';
import { type MakeFault, type OwnRows, type System, withOwnRows } from './system.ts';

/** Far more than a program needs, and far less than one takes that keeps what it should not. */
const memoryBound = 512 * 2 ** 20;

/** For each service `DB_POOL_MAX`, one that asks whether the database is there, and one that ends a statement. */
const connectionBound = 12;

/** What a level of the matrix runs on. */
export interface Stage<S extends System> {
  start(): Promise<S>;
  stop(system: S): Promise<void>;
  /** Before each row. */
  prepare?(system: S, row: Row): Promise<void>;
  faults: Partial<Record<Fault, MakeFault<S>>>;
}

/** Makes the tests of all rows that are tested at a level: one for each cell, and those of what holds in every row. */
export function describeMatrix<S extends System>(level: Level, { start, stop, prepare, faults }: Stage<S>): void {
  let system: S & OwnRows;
  beforeAll(async () => {
    system = await withOwnRows(await start());
  });
  afterAll(() => stop(system));

  describe.each(rowsAt(level))('%s', (fault: Fault, row: Row) => {
    let seen: Report;
    beforeAll(async () => {
      const make = faults[fault];
      if (!make) throw new Error(`nothing says how "${fault}" is made`);
      await prepare?.(system, row);
      seen = await play(system, [fault, row], make);
    });

    const cells = (Object.keys(columns) as Column[]).map((column): [string, Column] => [
      `${columns[column]}: ${cellInWords(row.cells[column])}`,
      column,
    ]);
    test.each(cells)(`When ${row.when}, then %s`, (_, column) => {
      expect(seen.cells[column]).toEqual([]);
    });

    test(`When ${row.when}, then who asks all the while is answered so, too`, () => {
      expect(seen.meanwhile).toEqual([]);
    });

    test(`When ${row.when} no longer, then all is well: ${backInWords(row.back)}`, () => {
      expect(seen.back).toEqual(expect.any(Number));
      expect(seen.after).toEqual([]);
    });

    test(`When ${row.when}, then every acknowledged write is there, none twice, and the data keep their rules`, () => {
      expect(seen.writes).toEqual([]);
      expect(seen.data).toEqual([]);
    });

    test(`When ${row.when}, then nothing ends and nothing is left: processes, memory, connections to the database`, () => {
      expect(seen.ended).toEqual([]);
      expect(seen.peakMemory).toBeLessThan(memoryBound);
      expect(seen.connections).toBeLessThanOrEqual(connectionBound * (row.replicas ?? 1));
    });

    if (row.also) {
      test(`When ${row.when}, then ${row.also}`, () => {
        expect(seen.also).toEqual([]);
      });
    }
  });
}
