-- What searches look in: the terms of each row, made by the services (db/src/search/terms.ts), so that nothing depends on how
-- a server cuts text into words, on its stop words, or on the session in which an index is made or made anew.
-- The terms of rows that are there already are written down behind this migration (db/src/migrate.ts).

CREATE TABLE IF NOT EXISTS product_search (
  id    INT UNSIGNED NOT NULL,
  terms MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (id),
  FULLTEXT KEY product_search_terms (terms),
  CONSTRAINT product_search_product FOREIGN KEY (id) REFERENCES product (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE IF NOT EXISTS category_search (
  id    INT UNSIGNED NOT NULL,
  terms MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (id),
  FULLTEXT KEY category_search_terms (terms),
  CONSTRAINT category_search_category FOREIGN KEY (id) REFERENCES category (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE IF NOT EXISTS tag_search (
  id    INT UNSIGNED NOT NULL,
  terms MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (id),
  FULLTEXT KEY tag_search_terms (terms),
  CONSTRAINT tag_search_tag FOREIGN KEY (id) REFERENCES tag (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

-- The indexes that searches used until now. (MySQL has no DROP INDEX IF EXISTS.)
SET @there = (SELECT COUNT(*) FROM information_schema.statistics
              WHERE table_schema = DATABASE() AND table_name = 'product' AND index_name = 'product_text');
SET @ddl = IF(@there > 0, 'ALTER TABLE product DROP INDEX product_text', 'DO 0');
PREPARE change_table FROM @ddl;
EXECUTE change_table;
DEALLOCATE PREPARE change_table;

SET @there = (SELECT COUNT(*) FROM information_schema.statistics
              WHERE table_schema = DATABASE() AND table_name = 'category' AND index_name = 'category_text');
SET @ddl = IF(@there > 0, 'ALTER TABLE category DROP INDEX category_text', 'DO 0');
PREPARE change_table FROM @ddl;
EXECUTE change_table;
DEALLOCATE PREPARE change_table;

SET @there = (SELECT COUNT(*) FROM information_schema.statistics
              WHERE table_schema = DATABASE() AND table_name = 'tag' AND index_name = 'tag_text');
SET @ddl = IF(@there > 0, 'ALTER TABLE tag DROP INDEX tag_text', 'DO 0');
PREPARE change_table FROM @ddl;
EXECUTE change_table;
DEALLOCATE PREPARE change_table;
