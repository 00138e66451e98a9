// The yardstick "limit": what these questions cost at the least on Node and this database. Plain node:http and a prepared
// statement of mysql2 for each, one SQL, the JSON that the API answers, and nothing else: no routing library, no validation,
// no log, no gateway. For the stock call: the two statements that it takes. It listens on the port given as its argument and knows the bench's questions alone.
import { createServer, type RequestListener } from 'node:http';
import mysql from 'mysql2/promise';

const pool = mysql.createPool({
  host: process.env.DB_HOST ?? '127.0.0.1',
  port: Number(process.env.DB_PORT),
  user: process.env.DB_USER ?? '',
  password: process.env.DB_PASSWORD ?? '',
  database: process.env.DB_NAME ?? '',
  connectionLimit: 10,
  timezone: 'Z',
  dateStrings: true,
  decimalNumbers: true,
});

const categoryColumns = [
  'id',
  'category_name',
  'slug',
  'description',
  'parent_id',
  'position',
  'created_at',
  'updated_at',
  'version',
];
const tagColumns = ['id', 'tag_name', 'slug', 'created_at', 'updated_at', 'version'];
const productColumns = [
  'id',
  'product_name',
  'slug',
  'sku',
  'description',
  'status',
  'price',
  'stock',
  'category_id',
  'image_urls',
  'metadata',
  'created_at',
  'updated_at',
  'version',
];

const joined = (table: string, columns: string[]) =>
  columns.map((column) => `${table}.${column} AS \`${table}.${column}\``).join(', ');

/**
 * One SQL for products with category and tags, a row for each tag; `rows` is what chooses the products. (Of the statements that
 * were tried, this costs the least: JSON that is built by the database costs it twice as much.)
 */
const products = (rows: string) => `
  SELECT ${productColumns.map((column) => `product.${column}`).join(', ')},
         ${joined('category', categoryColumns)}, ${joined('tag', tagColumns)}
  FROM ${rows} LEFT JOIN category ON category.id = product.category_id
  LEFT JOIN product_tag ON product_tag.product_id = product.id LEFT JOIN tag ON tag.id = product_tag.tag_id`;

const byId = `${products('product')} WHERE product.id = ?`;
const page = products(
  '(SELECT id FROM product WHERE id > ? ORDER BY id LIMIT 50) AS page JOIN product ON product.id = page.id',
);

type Row = Record<string, unknown>;

const value = (given: unknown): unknown => (typeof given === 'string' ? JSON.parse(given) : given);
const time = (given: unknown): string => {
  const text = String(given);
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, 23).padEnd(3, '0')}Z`;
};

/** The columns of one table out of a row of the join. */
function part(row: Row, prefix: string, columns: string[]): Row {
  const made: Row = {};
  for (const column of columns) {
    const given = row[prefix + column];
    made[column] = column.endsWith('_at') ? time(given) : given;
  }
  return made;
}

/** The rows of the join as the API answers them. */
function present(rows: Row[]): Row[] {
  const found = new Map<unknown, Row & { tags: Row[] }>();
  for (const row of rows) {
    let product = found.get(row.id);
    if (!product) {
      const category = row['category.id'] === null ? null : part(row, 'category.', categoryColumns);
      product = { ...part(row, '', productColumns), category, tags: [] };
      product.image_urls = value(row.image_urls);
      product.metadata = value(row.metadata);
      found.set(row.id, product);
    }
    if (row['tag.id'] !== null) product.tags.push(part(row, 'tag.', tagColumns));
  }
  return [...found.values()].toSorted((a, b) => Number(a.id) - Number(b.id));
}

const answer: RequestListener = async (req, res) => {
  const [path = '', query = ''] = (req.url ?? '').split('?');
  const id = Number(path.slice('/api/products/'.length));
  const one = path.startsWith('/api/products/');
  const after = Number(new URLSearchParams(query).get('after') ?? 0);
  const [rows] = await pool.execute<mysql.RowDataPacket[]>(one ? byId : page, [one ? id : after]);
  const found = present(rows);
  const body = JSON.stringify(one ? found[0] : found);
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(body);
};

/** `POST /api/products/:id/stock`: what any server must do, in a transaction of the two statements that it takes. */
const moveStock: RequestListener = async (req, res) => {
  const id = Number((req.url ?? '').split('/')[3]);
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  const { delta, reason } = JSON.parse(Buffer.concat(chunks).toString());
  const connection = await pool.getConnection();
  try {
    await connection.query('BEGIN');
    await connection.execute(
      'UPDATE product SET stock = stock + ?, version = version + 1, updated_at = CURRENT_TIMESTAMP(3) WHERE id = ? AND stock >= ?',
      [delta, id, -delta],
    );
    await connection.execute(
      'INSERT INTO stock_movement (product_id, delta, stock, reason) SELECT id, ?, stock, ? FROM product WHERE id = ?',
      [delta, reason, id],
    );
    await connection.query('COMMIT');
  } finally {
    connection.release();
  }
  res.writeHead(201).end('{}');
};

createServer((req, res) => {
  Promise.resolve((req.method === 'POST' ? moveStock : answer)(req, res)).catch((error) => {
    process.stderr.write(`limit: ${req.url}: ${error.message}\n`);
    res.destroy();
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
