-- Stored responses are each service's own: one that was broken into is not to read what the other has answered. What a row of the
-- one table was for cannot be told from it, so that both get the open keys; within a day they have forgotten them.

CREATE TABLE IF NOT EXISTS catalog_idempotency_key (
  -- SHA-256 of the caller and the key.
  id          BINARY(32) NOT NULL,
  -- SHA-256 of method, path, query and body.
  fingerprint BINARY(32) NOT NULL,
  -- The response; the status is NULL only while its transaction runs.
  status      SMALLINT UNSIGNED NULL,
  headers     TEXT NULL,
  -- Deflated JSON; NULL for a response that has none, or one that is too large to keep.
  body        MEDIUMBLOB NULL,
  created_at  DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idempotency_key_by_age (created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE IF NOT EXISTS tagging_idempotency_key LIKE catalog_idempotency_key;

-- It is gone already when this runs a second time.
CREATE TABLE IF NOT EXISTS idempotency_key LIKE catalog_idempotency_key;
INSERT IGNORE INTO catalog_idempotency_key (id, fingerprint, status, headers, body, created_at)
  SELECT id, fingerprint, status, headers, body, created_at FROM idempotency_key;
INSERT IGNORE INTO tagging_idempotency_key (id, fingerprint, status, headers, body, created_at)
  SELECT id, fingerprint, status, headers, body, created_at FROM idempotency_key;
DROP TABLE idempotency_key;
