#!/bin/bash
# Runs once, when the MySQL container starts on an empty volume: the same migrations, rights and seeds as
# `npm run db:schema` and `npm run db:seed` apply, straight from their files. Names were checked by start-mysql: none holds
# a backtick or a quote, but DB_USER, which only accounts.sql and the grant here write as SQL.
set -euo pipefail

sql() { mysql --defaults-file=/var/run/mysqld/root.cnf "$@"; }

database="\`$DB_NAME\`"
owner=${DB_USER//\\/'\\'}
owner="'${owner//\'/"''"}'@'%'"

sql </var/run/mysqld/accounts.sql
# The owner may hand on its rights, so that it can grant them on tables of later migrations.
sql <<SQL
CREATE DATABASE $database CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
GRANT ALL ON ${database//_/\\_}.* TO $owner WITH GRANT OPTION;
SQL

for file in /shop/migrations/*.sql; do
  echo "[shop] migration ${file##*/}"
  sql --database="$DB_NAME" <"$file"
  sql --database="$DB_NAME" --execute="INSERT INTO schema_migration (name) VALUES ('${file##*/}')"
done

grants=$(</shop/grants.sql)
grants=${grants//\{database\}/"$DB_NAME"}
grants=${grants//\{catalog\}/"$CATALOG_DB_USER"}
grants=${grants//\{tagging\}/"$TAGGING_DB_USER"}
sql <<<"$grants"

for file in /shop/seeds/*.sql; do
  echo "[shop] seed ${file##*/}"
  sql --database="$DB_NAME" <"$file"
done

# root is for the container's own socket, not for the network.
sql --execute="DROP USER IF EXISTS 'root'@'%'"
