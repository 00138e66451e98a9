import fc from 'fast-check';
import { idAt, index, letter, operation, orNull } from '../operation.ts';
import { refusal } from '../outcome.ts';
import { rowOf, withChange, withMovement } from '../state.ts';

/** `POST /api/products/:id/stock` */
export const changeStock = operation({
  name: 'stock',
  weight: 6,
  parameters: fc.record({
    at: index,
    delta: fc.integer({ min: -6, max: 6 }).filter((value) => value !== 0),
    reason: orNull(letter),
  }),
  request({ at, ...body }, known) {
    const id = idAt(known, 'products', at);
    return { method: 'POST', path: `/api/products/${id}/stock`, id, body };
  },
  outcomes(state, { id = 0, body = {} }, answer) {
    const row = rowOf(state, 'products', id);
    if (!row) return [refusal(state, 'not_found')];
    const before = row.stock as number;
    const stock = before + (body.delta as number);
    if (stock < 0) return [refusal(state, 'insufficient_stock', { available: before })];
    const movement = { delta: body.delta as number, stock, reason: body.reason as string | null };
    const latest = state.movements[id]?.findLast((known) => known.id !== undefined)?.id ?? 0;
    const given = answer.body?.id;
    const next = withChange(state, 'products', id, { stock });
    return [
      {
        status: 201,
        body: { id: given > latest ? given : 'larger than before', product_id: id, ...movement },
        state: withMovement(next, id, { id: given, ...movement }),
      },
    ];
  },
});

/** `GET /api/products/:id/stock-movements` */
export const readMovements = operation({
  name: 'movements',
  weight: 2,
  parameters: index,
  request(at, known) {
    const id = idAt(known, 'products', at);
    return { method: 'GET', path: `/api/products/${id}/stock-movements?_sort=id&_limit=250`, id };
  },
  outcomes: (state, { id = 0 }) => [
    rowOf(state, 'products', id)
      ? { status: 200, body: state.movements[id] ?? [], state }
      : refusal(state, 'not_found'),
  ],
});
