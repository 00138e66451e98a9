import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { select } from '@shop/db/connection/connection.ts';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import type { Position } from './cursor.ts';
import type { ListDeclaration } from './declaration.ts';
import type { ListRequest } from './request.ts';
import { edgesOf, findPage } from './search-page.ts';

let database: TestDatabase;
// Each step ends a page, unless it is full before: what a table of very many rows does with its usual bounds.
const bounds = { firstStep: 10, ids: 10, time: 0 };
const declaration: ListDeclaration = {
  table: 'tag',
  columns: [],
  fields: {},
  search: [],
  indexes: [],
  embeds: [],
  shape: [],
};

/** Tags of which those that are found stand far from one another, and close together at the end. */
const isFound = (id: number): boolean => id % 37 === 5 || id > 380;
const wanted = Array.from({ length: 400 }, (_, index) => index + 1).filter(isFound);

beforeAll(async () => {
  database = await createTestDatabase();
  const rows = Array.from({ length: 400 }, (_, index) => index + 1);
  const { sequelize } = database.db;
  await sequelize.query(
    `INSERT INTO tag (id, tag_name, slug) VALUES ${rows.map((id) => `(${id}, 'tag ${id}', 'tag-${id}')`)}`,
  );
  await sequelize.query(
    `INSERT INTO tag_search (id, terms) VALUES ${rows.map((id) => `(${id}, ' w_tag ${isFound(id) ? 'w_odd ' : ''}| ')`)}`,
  );
});
afterAll(() => database.drop());

/** All pages of a search from a position on, each with the positions that its links would have. */
async function walk(direction: 'after' | 'before', start?: Position) {
  const request: ListRequest = {
    filters: [],
    parameters: {},
    search: 'tag odd',
    plan: { indexed: [] },
    sort: [],
    window: { kind: 'cursor', limit: 5 },
    count: false,
    selection: { embed: new Set(), fields: undefined },
    raw: [],
  };
  const found: number[] = [];
  let [pages, endedEarly] = [0, 0];
  for (let position = start, isOver = false; !isOver; pages++) {
    const page = await findPage(database.db, declaration, request, position, undefined, bounds);
    const all = (page?.request.filters[0]?.values ?? []) as number[];
    const ids = all.slice(0, 5);
    found.push(...ids);
    endedEarly += page?.endedAt === undefined ? 0 : 1;
    const [first, last] = direction === 'after' ? [ids[0], ids.at(-1)] : [ids.at(-1), ids[0]];
    const own = {
      more: all.length > 5,
      ...(first === undefined ? {} : { first: [first] }),
      ...(last === undefined ? {} : { last: [last] }),
    };
    const edges = page?.endedAt === undefined || own.more ? own : edgesOf(own, page.endedAt, position);
    isOver = !edges.more;
    position = { direction, values: (direction === 'after' ? edges.last : edges.first) ?? [] };
  }
  return { found, pages, endedEarly };
}

describe('pages of a search that end early', () => {
  test('When they are followed, then every row is found once, in the order of ids', async () => {
    const { found, endedEarly } = await walk('after');

    expect(found).toEqual(wanted);
    expect(endedEarly).toBeGreaterThan(0);
  });

  test('When they are followed backwards, then every row is found once, in the reverse of that order', async () => {
    const { found, endedEarly } = await walk('before', { direction: 'before', values: [401] });

    expect(found).toEqual(wanted.toReversed());
    expect(endedEarly).toBeGreaterThan(0);
  });

  test('When one before a row ends early without a row, then the page behind it begins with that row', async () => {
    const edges = edgesOf({ more: false }, 100, { direction: 'before', values: [200] });
    const rows = await select<{ id: number }>(
      database.db,
      'SELECT id FROM tag WHERE id > $1 ORDER BY id LIMIT 1',
      edges.last,
    );

    expect(rows).toEqual([{ id: 200 }]);
    expect(edges).toMatchObject({ first: [100], more: true });
  });
});
