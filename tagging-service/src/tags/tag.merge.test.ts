import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { allRows, atOnce, startTestService, type TestService } from '@shop/testing/service.ts';
import fc from 'fast-check';
import { taggingService } from '../app.ts';
import { rowsIn } from './testing.ts';

const nobody = 4_000_000;
const pathOf = (id: number) => `/api/tags/${id}`;

describe.each([
  ['in one transaction', 1_000],
  ['in steps of 3', 3],
])('%s', (_, stepSize) => {
  let service: TestService;
  let make: ReturnType<typeof rowsIn>;
  beforeAll(async () => {
    service = await startTestService(taggingService, { stepSize });
    make = rowsIn(service);
  });
  afterAll(() => service.stop());

  const merge = (id: number, body: unknown, options = {}, query = '') =>
    service.post(`${pathOf(id)}/merge${query}`, body, options);
  const versionsOf = (ids: number[]) => Promise.all(ids.map((id) => make.versionOf(id)));
  const sql = (statement: string) => service.database.db.sequelize.query(statement);

  /** Two tags: the first with ten products, the second with the last two of these and one more. */
  async function two() {
    const products = await make.products(11);
    const from = await make.tag({ productIds: products.slice(0, 10) });
    const into = await make.tag({ productIds: products.slice(8) });
    return { products, from: from.id as number, into: into.id as number };
  }

  test('When a tag is merged, then its products have the other once, and it is gone', async () => {
    const { products, from, into } = await two();

    const { status, headers, body } = await merge(from, { into });

    const now = await service.get(pathOf(into));
    expect(status).toBe(200);
    expect(body).toEqual({ ...now.body, effects: { products_tagged: 8, products_untagged: 10 } });
    expect(now.body).toMatchObject({ product_count: 11, version: 2 });
    expect(headers.get('etag')).toBe(now.headers.get('etag'));
    expect((await service.get(pathOf(from))).status).toBe(404);
    expect(await versionsOf(products)).toEqual([...Array(8).fill(3), 4, 4, 2]);
  });

  test('When the other has all of its products already, then the other does not change', async () => {
    const productIds = await make.products(8);
    const [from, into] = [await make.tag({ productIds }), await make.tag({ productIds })];

    const { body } = await merge(from.id, { into: into.id });

    expect(body).toMatchObject({ version: 1, effects: { products_tagged: 0, products_untagged: 8 } });
    expect(await versionsOf(productIds)).toEqual(Array(8).fill(4));
  });

  test.each([
    ['into itself', 400, 'validation_failed', (from: number) => [from, { into: from }]],
    ['into nothing', 400, 'validation_failed', (from: number) => [from, {}]],
    ['into an unknown tag', 422, 'unknown_reference', (from: number) => [from, { into: nobody }]],
    ['from an unknown tag', 404, 'not_found', (from: number) => [nobody, { into: from }]],
    ['at an old version', 412, 'precondition_failed', (from: number, into: number) => [from, { into }, '"7-old"']],
  ])('When a tag is merged %s, then it is %i %s and nothing changes', async (_, expected, code, request) => {
    const { from, into } = await two();
    const [id, body, etag] = request(from, into) as [number, object, string?];
    const before = await allRows(service.database);

    const answer = await merge(id, body, etag ? { headers: { 'If-Match': etag } } : {});

    expect([answer.status, answer.body.code]).toEqual([expected, code]);
    expect(await allRows(service.database)).toEqual(before);
  });

  test('When a merge is tried, then its numbers are those of the real one, and no row changes', async () => {
    const { from, into } = await two();
    const before = await allRows(service.database);

    const tried = await merge(from, { into }, {}, '?_dry_run=true');
    const after = await allRows(service.database);
    const done = await merge(from, { into });

    const numbers = ({ body: { product_count, version, effects } }: typeof done) => ({
      product_count,
      version,
      effects,
    });
    expect(after).toEqual(before);
    expect([tried.status, numbers(tried)]).toEqual([200, numbers(done)]);
  });

  test('When a deletion is tried, then it is answered like the real one, and no row changes', async () => {
    const { from } = await two();
    const before = await allRows(service.database);

    const tried = await service.delete(`${pathOf(from)}?_dry_run=true`);
    const after = await allRows(service.database);
    const done = await service.delete(pathOf(from));

    expect(after).toEqual(before);
    expect([tried.status, tried.text]).toEqual([200, done.text]);
    expect(done.body).toMatchObject({ product_count: 10, effects: { products_untagged: 10 } });
  });

  describe('cut off', () => {
    afterEach(() => sql('DROP TRIGGER IF EXISTS cut'));

    test.each(['merge', 'delete'])(
      'When a %s is sent again after it has failed, then it does what was left, once',
      async (what) => {
        const { products, from, into } = await two();
        const options = { headers: { 'Idempotency-Key': `cut-${what}`, 'If-Match': '"1"' } };
        const send = () => (what === 'merge' ? merge(from, { into }, options) : service.delete(pathOf(from), options));
        await sql(`CREATE TRIGGER cut BEFORE UPDATE ON product FOR EACH ROW
                   BEGIN IF OLD.id = ${products[7]} THEN SIGNAL SQLSTATE '45000'; END IF; END`);
        const failed = await send();
        await sql('DROP TRIGGER cut');

        const ended = await send();

        const done = stepSize === 3 ? 6 : 0;
        expect([failed.status, ended.status]).toEqual([500, 200]);
        expect(ended.body.effects.products_untagged).toBe(10 - done);
        expect((await service.get(pathOf(from))).status).toBe(404);
        expect((await versionsOf(products)).slice(0, 8)).toEqual(Array(8).fill(3));
        expect(await make.linksOf(into)).toBe(what === 'merge' ? 11 : 3);
      },
    );
  });

  test('When 50 changes and merges of the same tags and products meet, then all is counted once', async () => {
    const products = await make.products(8);
    const tags: number[] = [];
    for (let index = 0; index < 6; index++) tags.push((await make.tag({ productIds: products })).id);
    const before = await versionsOf(products);
    const at = (list: number[], index: number) => list[index % list.length] as number;

    const answers = await atOnce(50, (index) => {
      const [tag, other] = [at(tags, index), at(tags, index + 1 + (index % 4))];
      if (index % 10 === 9) return merge(tag, { into: other });
      const ids = [at(products, index), at(products, index + 3)];
      return service.post(`${pathOf(tag)}/products`, { [index % 3 === 0 ? 'add' : 'remove']: ids });
    });

    expect(answers.map(({ status }) => status).filter((status) => ![200, 404, 422].includes(status))).toEqual([]);
    const after = await versionsOf(products);
    const moved = after.reduce((sum, version, index) => sum + version - (before[index] as number), 0);
    const changed = answers.map(({ body }, index) => {
      // A merge that was refused in the end says what its steps have done before that.
      const { products_tagged = 0, products_untagged = 0 } = body.effects ?? {};
      return index % 10 === 9 ? products_untagged : products_tagged + products_untagged;
    });
    expect(moved).toBe(changed.reduce((sum, number) => sum + number, 0));
  });

  test('When tags are changed and merged in any order, then links and versions are those of a model', async () => {
    const number = fc.nat(4);
    const list = fc.uniqueArray(number, { maxLength: 4 });
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('change' as const), tag: number, add: list, remove: list }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('merge' as const), tag: number, into: number }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const products = await make.products(5);
        const tags: number[] = [];
        for (let index = 0; index < 5; index++) tags.push((await make.tag()).id);
        const links = tags.map((): Set<number> | undefined => new Set());
        const versions = [1, 1, 1, 1, 1];
        const touch = (ids: Iterable<number>) => {
          for (const id of ids) versions[id] = (versions[id] as number) + 1;
        };
        const idsOf = (indexes: number[]) => indexes.map((index) => products[index] as number);

        for (const one of steps) {
          const linked = links[one.tag];
          if (one.kind === 'change') {
            const remove = one.remove.filter((id) => !one.add.includes(id));
            const body = { add: idsOf(one.add), remove: idsOf(remove) };
            const { status } = await service.post(`${pathOf(tags[one.tag] as number)}/products`, body);
            expect(status).toBe(body.add.length + body.remove.length === 0 ? 400 : linked ? 200 : 404);
            if (status !== 200) continue;
            touch([...one.add.filter((id) => !linked?.has(id)), ...remove.filter((id) => linked?.has(id))]);
            for (const id of one.add) linked?.add(id);
            for (const id of remove) linked?.delete(id);
          } else {
            const { status } = await merge(tags[one.tag] as number, { into: tags[one.into] });
            expect(status).toBe(one.tag === one.into ? 400 : !linked ? 404 : links[one.into] ? 200 : 422);
            if (status !== 200) continue;
            touch(linked ?? []);
            links[one.into] = new Set([...(links[one.into] ?? []), ...(linked ?? [])]);
            links[one.tag] = undefined;
          }
        }

        expect(await versionsOf(products)).toEqual(versions);
        const { models } = service.database.db;
        const found = await models.product_tag.findAll({ where: { tag_id: tags }, raw: true });
        const expected = links.flatMap((linked, index) =>
          [...(linked ?? [])].map((id) => `${products[id]} ${tags[index]}`),
        );
        const rows = found as unknown as { product_id: number; tag_id: number }[];
        expect(rows.map((row) => `${row.product_id} ${row.tag_id}`).toSorted()).toEqual(expected.toSorted());
      }),
      { numRuns: 15 },
    );
  });
});
