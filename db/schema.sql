-- The schema that all migrations together make, in a spelling that MySQL and MariaDB share. Services compare their database
-- with it. Nothing runs this file, and nobody edits it: "npm run db:snapshot" writes it, and a test fails while it is old.

CREATE TABLE `catalog_cursor_key` (
  `id` int unsigned NOT NULL AUTO_INCREMENT,
  `secret` binary(32) NOT NULL,
  `created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE `catalog_idempotency_key` (
  `id` binary(32) NOT NULL,
  `fingerprint` binary(32) NOT NULL,
  `status` smallint unsigned,
  `headers` text COLLATE utf8mb4_unicode_520_ci,
  `body` mediumblob,
  `created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (`id`),
  KEY `idempotency_key_by_age` (`created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE `category` (
  `id` int unsigned NOT NULL AUTO_INCREMENT,
  `category_name` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL,
  `slug` varchar(255) COLLATE utf8mb4_bin NOT NULL,
  `description` text COLLATE utf8mb4_unicode_520_ci,
  `parent_id` int unsigned,
  `position` int unsigned NOT NULL DEFAULT 0,
  `version` int unsigned NOT NULL DEFAULT 1,
  `created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  `updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  `sibling_group` int unsigned GENERATED ALWAYS AS (coalesce(`parent_id`, 0)) STORED,
  PRIMARY KEY (`id`),
  KEY `category_order` (`parent_id`, `position`, `id`),
  UNIQUE KEY `category_sibling_name` (`sibling_group`, `category_name`),
  UNIQUE KEY `category_slug` (`slug`),
  CONSTRAINT `category_name_not_empty` CHECK (char_length(`category_name`) > 0),
  CONSTRAINT `category_parent` FOREIGN KEY (`parent_id`) REFERENCES `category` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE `category_search` (
  `id` int unsigned NOT NULL,
  `terms` mediumtext COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (`id`),
  FULLTEXT KEY `category_search_terms` (`terms`),
  CONSTRAINT `category_search_category` FOREIGN KEY (`id`) REFERENCES `category` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE `mutex` (
  `name` varchar(64) COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE `product` (
  `id` int unsigned NOT NULL AUTO_INCREMENT,
  `product_name` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL,
  `slug` varchar(255) COLLATE utf8mb4_bin NOT NULL,
  `sku` varchar(64) COLLATE utf8mb4_unicode_520_ci,
  `description` mediumtext COLLATE utf8mb4_unicode_520_ci,
  `status` varchar(16) COLLATE utf8mb4_bin NOT NULL DEFAULT 'active',
  `price` decimal(10, 2) NOT NULL,
  `stock` int NOT NULL DEFAULT 10,
  `category_id` int unsigned,
  `image_urls` json NOT NULL DEFAULT (json_array()),
  `metadata` json NOT NULL DEFAULT (json_object()),
  `version` int unsigned NOT NULL DEFAULT 1,
  `created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  `updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (`id`),
  KEY `product_by_change` (`updated_at`),
  KEY `product_by_creation` (`created_at`),
  KEY `product_by_name` (`product_name`),
  KEY `product_by_price` (`price`),
  KEY `product_by_sku` (`sku`, `id`),
  KEY `product_by_status` (`status`),
  KEY `product_by_stock` (`stock`),
  KEY `product_facets` (`category_id`, `status`, `price`),
  KEY `product_in_category` (`category_id`, `id`),
  UNIQUE KEY `product_sku` (`sku`),
  UNIQUE KEY `product_slug` (`slug`),
  CONSTRAINT `product_category` FOREIGN KEY (`category_id`) REFERENCES `category` (`id`),
  CONSTRAINT `product_name_not_empty` CHECK (char_length(`product_name`) > 0),
  CONSTRAINT `product_price` CHECK (`price` >= 0),
  CONSTRAINT `product_status` CHECK (`status` in ('draft', 'active', 'archived')),
  CONSTRAINT `product_stock` CHECK (`stock` >= 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE `product_search` (
  `id` int unsigned NOT NULL,
  `terms` mediumtext COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (`id`),
  FULLTEXT KEY `product_search_terms` (`terms`),
  CONSTRAINT `product_search_product` FOREIGN KEY (`id`) REFERENCES `product` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE `product_tag` (
  `product_id` int unsigned NOT NULL,
  `tag_id` int unsigned NOT NULL,
  PRIMARY KEY (`product_id`, `tag_id`),
  KEY `product_tag_by_tag` (`tag_id`, `product_id`),
  CONSTRAINT `product_tag_product` FOREIGN KEY (`product_id`) REFERENCES `product` (`id`) ON DELETE CASCADE,
  CONSTRAINT `product_tag_tag` FOREIGN KEY (`tag_id`) REFERENCES `tag` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE `schema_migration` (
  `name` varchar(191) COLLATE utf8mb4_bin NOT NULL,
  `applied_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE `stock_movement` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `product_id` int unsigned NOT NULL,
  `delta` int NOT NULL,
  `stock` int NOT NULL,
  `reason` varchar(255) COLLATE utf8mb4_unicode_520_ci,
  `created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (`id`),
  KEY `stock_movement_of_product` (`product_id`, `id`),
  CONSTRAINT `stock_movement_delta` CHECK (`delta` <> 0),
  CONSTRAINT `stock_movement_product` FOREIGN KEY (`product_id`) REFERENCES `product` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE `tag` (
  `id` int unsigned NOT NULL AUTO_INCREMENT,
  `tag_name` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL,
  `slug` varchar(255) COLLATE utf8mb4_bin NOT NULL,
  `version` int unsigned NOT NULL DEFAULT 1,
  `created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  `updated_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (`id`),
  UNIQUE KEY `tag_name` (`tag_name`),
  UNIQUE KEY `tag_slug` (`slug`),
  CONSTRAINT `tag_name_not_empty` CHECK (char_length(`tag_name`) > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE `tag_search` (
  `id` int unsigned NOT NULL,
  `terms` mediumtext COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (`id`),
  FULLTEXT KEY `tag_search_terms` (`terms`),
  CONSTRAINT `tag_search_tag` FOREIGN KEY (`id`) REFERENCES `tag` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE `tagging_cursor_key` (
  `id` int unsigned NOT NULL AUTO_INCREMENT,
  `secret` binary(32) NOT NULL,
  `created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;

CREATE TABLE `tagging_idempotency_key` (
  `id` binary(32) NOT NULL,
  `fingerprint` binary(32) NOT NULL,
  `status` smallint unsigned,
  `headers` text COLLATE utf8mb4_unicode_520_ci,
  `body` mediumblob,
  `created_at` datetime(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (`id`),
  KEY `idempotency_key_by_age` (`created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
