-- What each service's account may do, and nothing more. Run after the migrations, by the owner, as often as you like.
-- {database}, {catalog} and {tagging} are replaced by those who run it (db/src/accounts.ts, db/init/10-database.sh).

-- Both read the whole catalogue: every answer embeds what the other service owns.
GRANT SELECT ON `{database}`.`category` TO '{catalog}'@'%', '{tagging}'@'%';
GRANT SELECT ON `{database}`.`product` TO '{catalog}'@'%', '{tagging}'@'%';
GRANT SELECT ON `{database}`.`tag` TO '{catalog}'@'%', '{tagging}'@'%';
GRANT SELECT ON `{database}`.`product_tag` TO '{catalog}'@'%', '{tagging}'@'%';
-- What searches look in; a row of it goes with what it belongs to.
GRANT SELECT, INSERT, UPDATE ON `{database}`.`category_search` TO '{catalog}'@'%';
GRANT SELECT, INSERT, UPDATE ON `{database}`.`product_search` TO '{catalog}'@'%';
GRANT SELECT, INSERT, UPDATE ON `{database}`.`tag_search` TO '{tagging}'@'%';
GRANT SELECT ON `{database}`.`schema_migration` TO '{catalog}'@'%', '{tagging}'@'%';

-- catalog-service owns categories and products, and writes a product's tags.
GRANT INSERT, UPDATE, DELETE ON `{database}`.`category` TO '{catalog}'@'%';
GRANT INSERT, UPDATE, DELETE ON `{database}`.`product` TO '{catalog}'@'%';
GRANT INSERT, DELETE ON `{database}`.`product_tag` TO '{catalog}'@'%';
-- A ledger is written forward: what is in it cannot be changed or taken out.
GRANT SELECT, INSERT ON `{database}`.`stock_movement` TO '{catalog}'@'%';
-- UPDATE, which it never does, is what MySQL asks of an account that locks a row.
GRANT SELECT, UPDATE ON `{database}`.`mutex` TO '{catalog}'@'%';

-- tagging-service owns tags, and writes a tag's products. A change of its tags is a change of the product, so the
-- product's version and time of change are the two columns of it that this account may write.
GRANT INSERT, UPDATE, DELETE ON `{database}`.`tag` TO '{tagging}'@'%';
GRANT INSERT, DELETE ON `{database}`.`product_tag` TO '{tagging}'@'%';
GRANT UPDATE (version, updated_at) ON `{database}`.`product` TO '{tagging}'@'%';

-- Each reads the keys of its own cursors, and cannot sign one of the other's.
GRANT SELECT ON `{database}`.`catalog_cursor_key` TO '{catalog}'@'%';
GRANT SELECT ON `{database}`.`tagging_cursor_key` TO '{tagging}'@'%';

-- Each remembers its own responses to writes with an Idempotency-Key, and forgets them after a day.
GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.`catalog_idempotency_key` TO '{catalog}'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.`tagging_idempotency_key` TO '{tagging}'@'%';
