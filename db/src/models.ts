import { DataTypes, type Model, type ModelStatic, type Sequelize } from 'sequelize';

/** What every resource's row carries: set by the database on insert, moved on by every change. */
export interface Bookkeeping {
  version: number;
  /** `YYYY-MM-DD HH:MM:SS.mmm`, UTC. */
  created_at: string;
  updated_at: string;
}

export interface CategoryRow extends Bookkeeping {
  id: number;
  category_name: string;
  slug: string;
  description: string | null;
  parent_id: number | null;
  position: number;
}

export interface ProductRow extends Bookkeeping {
  id: number;
  product_name: string;
  slug: string;
  sku: string | null;
  description: string | null;
  status: 'draft' | 'active' | 'archived';
  price: number;
  stock: number;
  category_id: number | null;
  image_urls: string[];
  metadata: Record<string, unknown>;
}

export interface TagRow extends Bookkeeping {
  id: number;
  tag_name: string;
  slug: string;
}

export interface ProductTagRow {
  product_id: number;
  tag_id: number;
}

type ModelOf<Row extends object> = ModelStatic<Model<Row, Partial<Row>>>;

/** The models of one connection. */
export interface Models {
  category: ModelOf<CategoryRow>;
  product: ModelOf<ProductRow>;
  tag: ModelOf<TagRow>;
  product_tag: ModelOf<ProductTagRow>;
}

/** The tables that hold a resource: each row has an id, a slug and a version. */
export interface ResourceRows {
  category: CategoryRow;
  product: ProductRow;
  tag: TagRow;
}
export type ResourceTable = keyof ResourceRows;

/**
 * Defines the models and their associations on a connection. They mirror `db/migrations`, which are the truth; a
 * service refuses to start when they differ (`verify.ts`). The database sets ids, versions, times and defaults.
 */
export function defineModels(sequelize: Sequelize): Models {
  // Functions, because Sequelize writes into the objects that it is given: two columns must not share one.
  const id = () => ({ type: DataTypes.INTEGER.UNSIGNED, primaryKey: true, autoIncrement: true });
  const text = (length: number) => ({ type: DataTypes.STRING(length), allowNull: false });
  const reference = () => ({ type: DataTypes.INTEGER.UNSIGNED, allowNull: true });
  const bookkeeping = () => ({
    version: { type: DataTypes.INTEGER.UNSIGNED, allowNull: false },
    created_at: { type: DataTypes.DATE(3), allowNull: false },
    updated_at: { type: DataTypes.DATE(3), allowNull: false },
  });
  const define = <Row extends object>(name: string, attributes: Parameters<Sequelize['define']>[1]): ModelOf<Row> =>
    sequelize.define(name, attributes, { tableName: name, timestamps: false }) as unknown as ModelOf<Row>;

  const category = define<CategoryRow>('category', {
    id: id(),
    category_name: text(255),
    slug: text(255),
    description: { type: DataTypes.TEXT, allowNull: true },
    parent_id: reference(),
    position: { type: DataTypes.INTEGER.UNSIGNED, allowNull: false },
    ...bookkeeping(),
  });
  const product = define<ProductRow>('product', {
    id: id(),
    product_name: text(255),
    slug: text(255),
    sku: { type: DataTypes.STRING(64), allowNull: true },
    description: { type: DataTypes.TEXT('medium'), allowNull: true },
    status: text(16),
    price: { type: DataTypes.DECIMAL(10, 2), allowNull: false },
    stock: { type: DataTypes.INTEGER, allowNull: false },
    category_id: reference(),
    image_urls: { type: DataTypes.JSON, allowNull: false },
    metadata: { type: DataTypes.JSON, allowNull: false },
    ...bookkeeping(),
  });
  const tag = define<TagRow>('tag', { id: id(), tag_name: text(255), slug: text(255), ...bookkeeping() });
  const product_tag = define<ProductTagRow>('product_tag', {
    product_id: { type: DataTypes.INTEGER.UNSIGNED, primaryKey: true },
    tag_id: { type: DataTypes.INTEGER.UNSIGNED, primaryKey: true },
  });

  product.belongsTo(category, { as: 'category', foreignKey: 'category_id' });
  category.hasMany(product, { as: 'products', foreignKey: 'category_id' });
  category.belongsTo(category, { as: 'parent', foreignKey: 'parent_id' });
  category.hasMany(category, { as: 'children', foreignKey: 'parent_id' });
  product.belongsToMany(tag, { as: 'tags', through: product_tag, foreignKey: 'product_id', otherKey: 'tag_id' });
  tag.belongsToMany(product, { as: 'products', through: product_tag, foreignKey: 'tag_id', otherKey: 'product_id' });
  return { category, product, tag, product_tag };
}
