-- The catalogue: categories, products, tags and what ties products to tags.
--
-- Runs on MySQL 8.4+ and MariaDB 10.11+. Each statement may run twice: DDL is not transactional, so a start that was
-- cut off half-way is simply run again.
-- utf8mb4_unicode_520_ci is the newest accent- and case-insensitive collation that both servers have. Slugs and codes
-- are compared byte by byte.

CREATE TABLE IF NOT EXISTS category (
  id            INT UNSIGNED NOT NULL AUTO_INCREMENT,
  category_name VARCHAR(255) NOT NULL,
  slug          VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  description   TEXT NULL,
  parent_id     INT UNSIGNED NULL,
  position      INT UNSIGNED NOT NULL DEFAULT 0,
  version       INT UNSIGNED NOT NULL DEFAULT 1,
  created_at    DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at    DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  -- NULLs never collide in a unique key; this lets the roots be siblings of one another.
  sibling_group INT UNSIGNED GENERATED ALWAYS AS (COALESCE(parent_id, 0)) STORED,
  PRIMARY KEY (id),
  UNIQUE KEY category_slug (slug),
  UNIQUE KEY category_sibling_name (sibling_group, category_name),
  KEY category_order (parent_id, position, id),
  CONSTRAINT category_parent FOREIGN KEY (parent_id) REFERENCES category (id),
  CONSTRAINT category_name_not_empty CHECK (CHAR_LENGTH(category_name) > 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE IF NOT EXISTS product (
  id           INT UNSIGNED NOT NULL AUTO_INCREMENT,
  product_name VARCHAR(255) NOT NULL,
  slug         VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  sku          VARCHAR(64) NULL,
  description  MEDIUMTEXT NULL,
  status       VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'active',
  price        DECIMAL(10, 2) NOT NULL,
  stock        INT NOT NULL DEFAULT 10,
  category_id  INT UNSIGNED NULL,
  image_urls   JSON NOT NULL DEFAULT (JSON_ARRAY()),
  metadata     JSON NOT NULL DEFAULT (JSON_OBJECT()),
  version      INT UNSIGNED NOT NULL DEFAULT 1,
  created_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at   DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY product_slug (slug),
  UNIQUE KEY product_sku (sku),
  KEY product_in_category (category_id, id),
  CONSTRAINT product_category FOREIGN KEY (category_id) REFERENCES category (id),
  CONSTRAINT product_name_not_empty CHECK (CHAR_LENGTH(product_name) > 0),
  CONSTRAINT product_status CHECK (status IN ('draft', 'active', 'archived')),
  CONSTRAINT product_price CHECK (price >= 0),
  CONSTRAINT product_stock CHECK (stock >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE IF NOT EXISTS tag (
  id         INT UNSIGNED NOT NULL AUTO_INCREMENT,
  tag_name   VARCHAR(255) NOT NULL,
  slug       VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  version    INT UNSIGNED NOT NULL DEFAULT 1,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  updated_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  UNIQUE KEY tag_slug (slug),
  UNIQUE KEY tag_name (tag_name),
  CONSTRAINT tag_name_not_empty CHECK (CHAR_LENGTH(tag_name) > 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE IF NOT EXISTS product_tag (
  product_id INT UNSIGNED NOT NULL,
  tag_id     INT UNSIGNED NOT NULL,
  PRIMARY KEY (product_id, tag_id),
  KEY product_tag_by_tag (tag_id, product_id),
  -- A product's links go with it. A tag's do not: its products must be told (their version), so the service removes them.
  CONSTRAINT product_tag_product FOREIGN KEY (product_id) REFERENCES product (id) ON DELETE CASCADE,
  CONSTRAINT product_tag_tag FOREIGN KEY (tag_id) REFERENCES tag (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

-- Rows that stand for something to be locked. `category_tree`: who changes the tree holds it, so that two moves that
-- are each harmless cannot make a cycle together.
CREATE TABLE IF NOT EXISTS mutex (
  name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

INSERT IGNORE INTO mutex (name) VALUES ('category_tree');
