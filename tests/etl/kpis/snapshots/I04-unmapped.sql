-- duckdb
SELECT coalesce(fact_feed.feed_key, 'unknown') AS k_feed, sum(fact_feed.events) AS items, sum(fact_feed.events) AS n, 0 AS open, sum(fact_feed.unmapped) AS met_share
  FROM fact_feed
  WHERE fact_feed.site_code IN ('NORTH')
  AND fact_feed.site_code IN ('NORTH')
  GROUP BY k_feed
  ORDER BY k_feed

-- postgresql
SELECT coalesce(fact_feed.feed_key, 'unknown') AS k_feed, sum(fact_feed.events) AS items, sum(fact_feed.events) AS n, 0 AS open, sum(fact_feed.unmapped) AS met_share
  FROM fact_feed
  WHERE fact_feed.site_code IN ('NORTH')
  AND fact_feed.site_code IN ('NORTH')
  GROUP BY k_feed
  ORDER BY k_feed
