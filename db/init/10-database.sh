#!/bin/bash
# Runs once, when the MySQL container starts on an empty volume: the same migrations, rights and seeds as
# `npm run db:schema` and `npm run db:seed` apply, straight from their files.
set -euo pipefail

sql() {
  MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mysql --protocol=socket --socket=/var/run/mysqld/mysqld.sock --user=root \
    --default-character-set=utf8mb4 "$@"
}

# The owner may hand on its rights, so that it can grant them on tables of later migrations.
sql <<SQL
ALTER DATABASE \`$MYSQL_DATABASE\` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
GRANT ALL ON \`${MYSQL_DATABASE//_/\\_}\`.* TO '$MYSQL_USER'@'%' WITH GRANT OPTION;
CREATE USER '$CATALOG_DB_USER'@'%' IDENTIFIED BY '$CATALOG_DB_PASSWORD';
CREATE USER '$TAGGING_DB_USER'@'%' IDENTIFIED BY '$TAGGING_DB_PASSWORD';
SQL

for file in /shop/migrations/*.sql; do
  echo "[shop] migration ${file##*/}"
  sql "$MYSQL_DATABASE" <"$file"
  sql "$MYSQL_DATABASE" --execute="INSERT INTO schema_migration (name) VALUES ('${file##*/}')"
done

grants=$(</shop/grants.sql)
grants=${grants//\{database\}/$MYSQL_DATABASE}
grants=${grants//\{catalog\}/$CATALOG_DB_USER}
grants=${grants//\{tagging\}/$TAGGING_DB_USER}
sql <<<"$grants"

for file in /shop/seeds/*.sql; do
  echo "[shop] seed ${file##*/}"
  sql "$MYSQL_DATABASE" <"$file"
done

# root is for the container's own socket, not for the network.
sql --execute="DROP USER IF EXISTS 'root'@'%'"
