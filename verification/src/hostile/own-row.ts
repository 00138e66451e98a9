import { request } from '@shop/testing/http.ts';

/** The resources, and a body that makes one of each. */
const bodies = {
  categories: (name: string) => ({ category_name: name }),
  products: (name: string) => ({ product_name: name, price: 1, stock: 5 }),
  tags: (name: string) => ({ tag_name: name }),
};
export type ResourceName = keyof typeof bodies;
export const resourceNames = Object.keys(bodies) as ResourceName[];

/** How many rows of each resource a client has. */
export const ownRowCount = 4;

const placeholderOf = (resource: number, index: number): string => `8800000000${resource}${index}`;
const placeholders = /8800000000([0-2])([0-3])/g;

/** What stands for the id of a client's own row until the request is sent; as it is, it is an id that no row has. */
export const ownId = (resource: ResourceName, index: number): string =>
  placeholderOf(resourceNames.indexOf(resource), index);

/** Rows that only one client writes to: nobody else's are in the way, and what refuses to change them can be seen. */
export class OwnRows {
  readonly #gateway: string;
  readonly #name: string;
  readonly #ids: Record<ResourceName, number[]> = { categories: [], products: [], tags: [] };
  #made = 0;

  constructor(gateway: string, name: string) {
    this.#gateway = gateway;
    this.#name = name;
  }

  /** Makes those that are missing. */
  async restore(): Promise<void> {
    for (const resource of resourceNames) {
      const query = this.#ids[resource].map((id) => `&id=${id}`).join('');
      const there = await request<{ id: number }[]>(`${this.#gateway}/api/${resource}?_fields=id&id=0${query}`);
      const ids = new Set(there.body.map(({ id }) => id));
      for (let index = 0; index < ownRowCount; index++) {
        const known = this.#ids[resource][index];
        if (known !== undefined && ids.has(known)) continue;
        this.#made += 1;
        const name = `${this.#name} ${this.#made}`;
        const created = await request(`${this.#gateway}/api/${resource}`, {
          method: 'POST',
          body: bodies[resource](name),
        });
        if (created.status !== 201) throw new Error(`${name} could not be made: ${created.status} ${created.text}`);
        this.#ids[resource][index] = created.body.id;
      }
    }
  }

  /** A text with the ids of these rows in the places of those that stand for them. */
  fill(text: string): string {
    return text.replaceAll(placeholders, (_all, resource, index) =>
      String(this.#ids[resourceNames[Number(resource)] as ResourceName][Number(index)]),
    );
  }

  /** Deletes them. */
  async remove(): Promise<void> {
    for (const resource of resourceNames) {
      for (const id of this.#ids[resource])
        await request(`${this.#gateway}/api/${resource}/${id}`, { method: 'DELETE' });
    }
  }
}
