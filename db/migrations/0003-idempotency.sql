-- The answers to writes that came with an Idempotency-Key. A row is inserted, filled and committed by the transaction of the
-- write itself: as long as that runs, the row is locked; when it is undone, so is the row.

CREATE TABLE IF NOT EXISTS idempotency_key (
  -- SHA-256 of the caller and the key.
  id          BINARY(32) NOT NULL,
  -- SHA-256 of method, path, query and body.
  fingerprint BINARY(32) NOT NULL,
  -- The answer; the status is NULL only while its transaction runs.
  status      SMALLINT UNSIGNED NULL,
  headers     TEXT NULL,
  -- Deflated JSON; NULL for an answer that has none, or one that is too large to keep.
  body        MEDIUMBLOB NULL,
  created_at  DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id),
  KEY idempotency_key_by_age (created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
