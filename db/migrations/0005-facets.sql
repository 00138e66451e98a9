-- What a million products need: counts of a category's products by status and price from one index, and the order by SKU.
-- The unique index on sku cannot give that order: it holds many rows without one, which the id has to tell apart.

SET @there = (SELECT COUNT(*) FROM information_schema.statistics
              WHERE table_schema = DATABASE() AND table_name = 'product' AND index_name = 'product_facets');
SET @ddl = IF(@there > 0, 'DO 0', 'ALTER TABLE product
  ADD INDEX product_facets (category_id, status, price),
  ADD INDEX product_by_sku (sku, id)');
PREPARE change_table FROM @ddl;
EXECUTE change_table;
DEALLOCATE PREPARE change_table;
