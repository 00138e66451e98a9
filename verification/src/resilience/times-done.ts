/** How often each write has been done whose name begins as the pattern `$1` says, in whichever table the name stands. */
export const timesDoneSql = `SELECT name, COUNT(*) AS times FROM (
  SELECT product_name AS name FROM product
  UNION ALL SELECT tag_name FROM tag
  UNION ALL SELECT reason FROM stock_movement WHERE reason IS NOT NULL
) written WHERE name LIKE $1 GROUP BY name`;
