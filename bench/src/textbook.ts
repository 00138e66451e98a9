// The yardstick "textbook": the same questions the way tutorials answer them. Express and Sequelize's findByPk and findAll with
// `include`, one process, no gateway. It listens on the port given as its argument.
import { connect } from '@shop/db/connection/connection.ts';
import express from 'express';
import { Op } from 'sequelize';

const { models } = connect({
  host: process.env.DB_HOST ?? '127.0.0.1',
  port: Number(process.env.DB_PORT),
  database: process.env.DB_NAME ?? '',
  user: process.env.DB_USER ?? '',
  password: process.env.DB_PASSWORD ?? '',
  poolMax: 10,
});
const include = [{ association: 'category' }, { association: 'tags', through: { attributes: [] } }];

const app = express();
app.use(express.json());
app.get('/api/products', async (req, res) => {
  const after = Number(req.query.after ?? 0);
  res.json(await models.product.findAll({ where: { id: { [Op.gt]: after } }, order: ['id'], limit: 50, include }));
});
app.get('/api/products/:id', async (req, res) => {
  res.json(await models.product.findByPk(req.params.id, { include }));
});
app.post('/api/products', async (req, res) => {
  const { tagIds, ...given } = req.body;
  const values = { slug: given.product_name.toLowerCase().replaceAll(' ', '-'), ...given };
  const product = await models.product.create(values, { fields: Object.keys(values) as 'id'[] });
  if (tagIds) {
    const product_id = Number(product.get('id'));
    await models.product_tag.bulkCreate(tagIds.map((tag_id: number) => ({ product_id, tag_id })));
  }
  res.status(201).json(await models.product.findByPk(Number(product.get('id')), { include }));
});
app.put('/api/products/:id', async (req, res) => {
  await models.product.update(req.body, { where: { id: req.params.id } });
  res.json(await models.product.findByPk(req.params.id, { include }));
});
app.listen(Number(process.argv[2]), '127.0.0.1');
