/** The resources of a history, by their part of the path. */
export type ResourceName = 'categories' | 'products' | 'tags';

/** What a resource holds, as its own answers show it; a product has its tags under `tagIds`, in the order of ids. */
export type Row = { version: number } & Record<string, unknown>;

/** A line of the ledger. Those that came with another write have an id that nobody was told. */
export interface Movement {
  id?: number;
  delta: number;
  stock: number;
  reason: string | null;
}

/** The part of the catalogue that a history has made. It is never changed in place: a state that nothing changes stays the same object. */
export interface State {
  rows: Readonly<Record<ResourceName, Readonly<Record<number, Row>>>>;
  /** The ledger of each product, the oldest first. */
  movements: Readonly<Record<number, readonly Movement[]>>;
  /** The products that were deleted. */
  gone: readonly number[];
}

/** What an operation may answer, and the state that it leaves: the same object when it changes nothing. */
export interface Outcome {
  status: number;
  /** What the body has to hold. */
  body: unknown;
  state: State;
}

export const emptyState: State = { rows: { categories: {}, products: {}, tags: {} }, movements: {}, gone: [] };

export const rowOf = (state: State, resource: ResourceName, id: number): Row | undefined => state.rows[resource][id];

export const entriesOf = (state: State, resource: ResourceName): [number, Row][] =>
  Object.entries(state.rows[resource]).map(([id, row]) => [Number(id), row]);

/** The tags of a product. */
export const tagIdsOf = (row: Row): number[] => row.tagIds as number[];

/** The ids of the products that have a tag. */
export const productsWithTag = (state: State, tagId: number): number[] =>
  entriesOf(state, 'products').flatMap(([id, row]) => (tagIdsOf(row).includes(tagId) ? [id] : []));

/** A state in which a resource is this. */
export const withRow = (state: State, resource: ResourceName, id: number, row: Row): State => ({
  ...state,
  rows: { ...state.rows, [resource]: { ...state.rows[resource], [id]: row } },
});

/** A state in which a resource has been changed, which its version tells. */
export const withChange = (state: State, resource: ResourceName, id: number, changes: Partial<Row>): State => {
  const row = rowOf(state, resource, id) as Row;
  return withRow(state, resource, id, { ...row, ...changes, version: row.version + 1 });
};

/** A state in which there is no such resource. */
export function withoutRow(state: State, resource: ResourceName, id: number): State {
  const { [id]: _gone, ...rest } = state.rows[resource];
  const { [id]: _ledger, ...otherMovements } = state.movements;
  const rows = { ...state.rows, [resource]: rest };
  return resource === 'products' ? { rows, movements: otherMovements, gone: [...state.gone, id] } : { ...state, rows };
}

/** A state in whose ledger a product's stock has moved; by nothing, the same state. */
export const withMovement = (state: State, productId: number, movement: Movement): State =>
  movement.delta === 0
    ? state
    : {
        ...state,
        movements: { ...state.movements, [productId]: [...(state.movements[productId] ?? []), movement] },
      };

/** A state in which exactly `productIds` have a tag: a change of every product that gets or loses it. */
export function withProducts(state: State, tagId: number, productIds: number[]): State {
  const current = productsWithTag(state, tagId);
  const changed = [
    ...current.filter((id) => !productIds.includes(id)),
    ...productIds.filter((id) => !current.includes(id)),
  ];
  return changed.reduce((before, id) => {
    const tagIds = tagIdsOf(rowOf(before, 'products', id) as Row);
    const next = productIds.includes(id) ? [...tagIds, tagId] : tagIds.filter((one) => one !== tagId);
    return withChange(before, 'products', id, { tagIds: next.toSorted((a, b) => a - b) });
  }, state);
}
