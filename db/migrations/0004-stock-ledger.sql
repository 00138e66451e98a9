-- Every change of a product's stock, with what it was for. The sum of a product's movements is its stock.

CREATE TABLE IF NOT EXISTS stock_movement (
  id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  product_id INT UNSIGNED NOT NULL,
  delta      INT NOT NULL,
  -- What the stock was after it.
  stock      INT NOT NULL,
  reason     VARCHAR(255) NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY stock_movement_of_product (product_id, id),
  CONSTRAINT stock_movement_product FOREIGN KEY (product_id) REFERENCES product (id) ON DELETE CASCADE,
  CONSTRAINT stock_movement_delta CHECK (delta <> 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

-- Products that were there before the ledger begin it with what they have.
INSERT INTO stock_movement (product_id, delta, stock, reason)
SELECT product.id, product.stock, product.stock, 'opening stock' FROM product
WHERE product.stock <> 0
  AND NOT EXISTS (SELECT 1 FROM stock_movement AS known WHERE known.product_id = product.id)
ORDER BY product.id;
