-- The classic test data. Restores these rows to what is written here and leaves every other row alone, however often
-- it runs. It runs in one transaction: if a row that somebody added holds a name that is needed here, nothing changes.

CREATE TEMPORARY TABLE seed_category (id INT UNSIGNED PRIMARY KEY, category_name VARCHAR(255), slug VARCHAR(255), position INT UNSIGNED)
  DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TEMPORARY TABLE seed_product (id INT UNSIGNED PRIMARY KEY, product_name VARCHAR(255), slug VARCHAR(255), price DECIMAL(10, 2), stock INT, category_id INT UNSIGNED)
  DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TEMPORARY TABLE seed_tag (id INT UNSIGNED PRIMARY KEY, tag_name VARCHAR(255), slug VARCHAR(255))
  DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TEMPORARY TABLE seed_product_tag (product_id INT UNSIGNED, tag_id INT UNSIGNED, PRIMARY KEY (product_id, tag_id));

INSERT INTO seed_category (id, category_name, slug, position) VALUES
  (1, 'Shirts', 'shirts', 0),
  (2, 'Shorts', 'shorts', 1),
  (3, 'Music', 'music', 2),
  (4, 'Hats', 'hats', 3),
  (5, 'Shoes', 'shoes', 4);

INSERT INTO seed_product (id, product_name, slug, price, stock, category_id) VALUES
  (1, 'Plain T-Shirt', 'plain-t-shirt', 14.99, 14, 1),
  (2, 'Running Sneakers', 'running-sneakers', 90.00, 25, 5),
  (3, 'Branded Baseball Hat', 'branded-baseball-hat', 22.99, 12, 4),
  (4, 'Top 40 Music Compilation Vinyl Record', 'top-40-music-compilation-vinyl-record', 12.99, 50, 3),
  (5, 'Cargo Shorts', 'cargo-shorts', 29.99, 22, 2);

INSERT INTO seed_tag (id, tag_name, slug) VALUES
  (1, 'rock music', 'rock-music'),
  (2, 'pop music', 'pop-music'),
  (3, 'blue', 'blue'),
  (4, 'red', 'red'),
  (5, 'green', 'green'),
  (6, 'white', 'white'),
  (7, 'gold', 'gold'),
  (8, 'pop culture', 'pop-culture');

INSERT INTO seed_product_tag (product_id, tag_id) VALUES
  (1, 6), (1, 7), (1, 8),
  (2, 6),
  (3, 1), (3, 3), (3, 4), (3, 5),
  (4, 1), (4, 2), (4, 8),
  (5, 3);

START TRANSACTION;

UPDATE category JOIN seed_category AS seed ON seed.id = category.id
SET category.category_name = seed.category_name, category.slug = seed.slug, category.description = NULL,
    category.parent_id = NULL, category.position = seed.position,
    category.version = category.version + 1, category.updated_at = CURRENT_TIMESTAMP(3)
WHERE NOT (BINARY category.category_name <=> BINARY seed.category_name AND category.slug <=> seed.slug
           AND category.description IS NULL AND category.parent_id IS NULL AND category.position = seed.position);

INSERT INTO category (id, category_name, slug, position)
SELECT seed.id, seed.category_name, seed.slug, seed.position
FROM seed_category AS seed LEFT JOIN category ON category.id = seed.id WHERE category.id IS NULL ORDER BY seed.id;

UPDATE product JOIN seed_product AS seed ON seed.id = product.id
SET product.product_name = seed.product_name, product.slug = seed.slug, product.sku = NULL, product.description = NULL,
    product.status = 'active', product.price = seed.price, product.stock = seed.stock, product.category_id = seed.category_id,
    product.image_urls = '[]', product.metadata = '{}',
    product.version = product.version + 1, product.updated_at = CURRENT_TIMESTAMP(3)
WHERE NOT (BINARY product.product_name <=> BINARY seed.product_name AND product.slug <=> seed.slug AND product.sku IS NULL
           AND product.description IS NULL AND product.status = 'active' AND product.price = seed.price
           AND product.stock = seed.stock AND product.category_id <=> seed.category_id
           AND JSON_LENGTH(product.image_urls) = 0 AND JSON_LENGTH(product.metadata) = 0)
   -- A tag that comes back is a change of the product, too.
   OR EXISTS (SELECT 1 FROM seed_product_tag AS link
              LEFT JOIN product_tag ON product_tag.product_id = link.product_id AND product_tag.tag_id = link.tag_id
              WHERE link.product_id = product.id AND product_tag.product_id IS NULL);

INSERT INTO product (id, product_name, slug, price, stock, category_id)
SELECT seed.id, seed.product_name, seed.slug, seed.price, seed.stock, seed.category_id
FROM seed_product AS seed LEFT JOIN product ON product.id = seed.id WHERE product.id IS NULL ORDER BY seed.id;

-- The stock that came or went with the statements above.
INSERT INTO stock_movement (product_id, delta, stock, reason)
SELECT product.id, product.stock - COALESCE(SUM(known.delta), 0), product.stock, 'seed data'
FROM seed_product AS seed JOIN product ON product.id = seed.id
LEFT JOIN stock_movement AS known ON known.product_id = product.id
GROUP BY product.id, product.stock
HAVING product.stock <> COALESCE(SUM(known.delta), 0)
ORDER BY product.id;

UPDATE tag JOIN seed_tag AS seed ON seed.id = tag.id
SET tag.tag_name = seed.tag_name, tag.slug = seed.slug, tag.version = tag.version + 1, tag.updated_at = CURRENT_TIMESTAMP(3)
WHERE NOT (BINARY tag.tag_name <=> BINARY seed.tag_name AND tag.slug <=> seed.slug);

INSERT INTO tag (id, tag_name, slug)
SELECT seed.id, seed.tag_name, seed.slug
FROM seed_tag AS seed LEFT JOIN tag ON tag.id = seed.id WHERE tag.id IS NULL ORDER BY seed.id;

INSERT INTO product_tag (product_id, tag_id)
SELECT seed.product_id, seed.tag_id FROM seed_product_tag AS seed
LEFT JOIN product_tag ON product_tag.product_id = seed.product_id AND product_tag.tag_id = seed.tag_id
WHERE product_tag.product_id IS NULL;

-- What searches look in, as db/src/search/search-text.ts makes it of these rows (the server cannot): db:verify compares them.
INSERT INTO category_search (id, terms) VALUES
  (1, ' w_shirts | | '),
  (2, ' w_shorts | | '),
  (3, ' w_music | | '),
  (4, ' w_hats | | '),
  (5, ' w_shoes | | ')
ON DUPLICATE KEY UPDATE terms = VALUES(terms);

INSERT INTO product_search (id, terms) VALUES
  (1, ' w_plain w_t w_shirt | | | '),
  (2, ' w_running w_sneakers | | | '),
  (3, ' w_branded w_baseball w_hat | | | '),
  (4, ' w_top w_40 w_music w_compilation w_vinyl w_record | | | '),
  (5, ' w_cargo w_shorts | | | ')
ON DUPLICATE KEY UPDATE terms = VALUES(terms);

INSERT INTO tag_search (id, terms) VALUES
  (1, ' w_rock w_music | '),
  (2, ' w_pop w_music | '),
  (3, ' w_blue | '),
  (4, ' w_red | '),
  (5, ' w_green | '),
  (6, ' w_white | '),
  (7, ' w_gold | '),
  (8, ' w_pop w_culture | ')
ON DUPLICATE KEY UPDATE terms = VALUES(terms);

COMMIT;

DROP TEMPORARY TABLE seed_category, seed_product, seed_tag, seed_product_tag;
