-- What the services sign their cursors with: each with keys of its own, which only its account may read (db/grants.sql). The newest
-- signs, older ones still verify; db/src/cursor-keys.ts says for how long.

CREATE TABLE IF NOT EXISTS catalog_cursor_key (
  id         INT UNSIGNED NOT NULL AUTO_INCREMENT,
  secret     BINARY(32) NOT NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

CREATE TABLE IF NOT EXISTS tagging_cursor_key (
  id         INT UNSIGNED NOT NULL AUTO_INCREMENT,
  secret     BINARY(32) NOT NULL,
  created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;

-- From the server's random number generator for cryptography.
INSERT INTO catalog_cursor_key (id, secret) SELECT 1, RANDOM_BYTES(32) FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM catalog_cursor_key);
INSERT INTO tagging_cursor_key (id, secret) SELECT 1, RANDOM_BYTES(32) FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM tagging_cursor_key);
