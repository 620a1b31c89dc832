-- duckdb
SELECT coalesce(fact_quarantine.feed_key, 'unknown') AS k_feed, count(*) AS n, count(CASE
  WHEN (fact_quarantine.items IS NOT NULL
  AND fact_quarantine.items >= 0) THEN fact_quarantine.items END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, CAST(sum(CAST(CASE
  WHEN (fact_quarantine.items IS NOT NULL
  AND fact_quarantine.items >= 0) THEN fact_quarantine.items END AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS sum
  FROM fact_quarantine
  WHERE fact_quarantine.site_code IN ('NORTH')
  AND fact_quarantine.site_code IN ('NORTH')
  GROUP BY k_feed
  ORDER BY k_feed

-- postgresql
SELECT coalesce(fact_quarantine.feed_key, 'unknown') AS k_feed, count(*) AS n, count(CASE
  WHEN (fact_quarantine.items IS NOT NULL
  AND fact_quarantine.items >= 0) THEN fact_quarantine.items END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, CAST(sum(CAST(CASE
  WHEN (fact_quarantine.items IS NOT NULL
  AND fact_quarantine.items >= 0) THEN fact_quarantine.items END AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS sum
  FROM fact_quarantine
  WHERE fact_quarantine.site_code IN ('NORTH')
  AND fact_quarantine.site_code IN ('NORTH')
  GROUP BY k_feed
  ORDER BY k_feed
