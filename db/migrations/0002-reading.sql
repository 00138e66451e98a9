-- What lists need: an index for each order that is worth one, and full-text search.
-- A secondary index ends in the id, so each of these orders is total.
-- MySQL has no ADD INDEX IF NOT EXISTS: each table's indexes come in one ALTER, which is left out where the first is there.

-- Without this, words such as "of" and "the" would be missing from the full-text indexes that are created here.
SET SESSION innodb_ft_enable_stopword = OFF;

SET @there = (SELECT COUNT(*) FROM information_schema.statistics
              WHERE table_schema = DATABASE() AND table_name = 'product' AND index_name = 'product_by_name');
SET @ddl = IF(@there > 0, 'DO 0', 'ALTER TABLE product
  ADD INDEX product_by_name (product_name),
  ADD INDEX product_by_price (price),
  ADD INDEX product_by_stock (stock),
  ADD INDEX product_by_status (status),
  ADD INDEX product_by_creation (created_at),
  ADD INDEX product_by_change (updated_at),
  ADD FULLTEXT INDEX product_text (product_name, description, sku)');
PREPARE change_table FROM @ddl;
EXECUTE change_table;
DEALLOCATE PREPARE change_table;

SET @there = (SELECT COUNT(*) FROM information_schema.statistics
              WHERE table_schema = DATABASE() AND table_name = 'category' AND index_name = 'category_text');
SET @ddl = IF(@there > 0, 'DO 0', 'ALTER TABLE category ADD FULLTEXT INDEX category_text (category_name, description)');
PREPARE change_table FROM @ddl;
EXECUTE change_table;
DEALLOCATE PREPARE change_table;

SET @there = (SELECT COUNT(*) FROM information_schema.statistics
              WHERE table_schema = DATABASE() AND table_name = 'tag' AND index_name = 'tag_text');
SET @ddl = IF(@there > 0, 'DO 0', 'ALTER TABLE tag ADD FULLTEXT INDEX tag_text (tag_name)');
PREPARE change_table FROM @ddl;
EXECUTE change_table;
DEALLOCATE PREPARE change_table;
