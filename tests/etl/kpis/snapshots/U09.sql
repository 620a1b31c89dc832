-- duckdb
SELECT coalesce(fact_gap.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_gap.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_gap.idle_min IS NOT NULL
  AND fact_gap.idle_min >= 0) THEN fact_gap.idle_min END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, CAST(sum(CAST(CASE
  WHEN (fact_gap.idle_min IS NOT NULL
  AND fact_gap.idle_min >= 0) THEN fact_gap.idle_min END AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS sum, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_gap.idle_min IS NOT NULL
  AND fact_gap.idle_min >= 0) THEN fact_gap.idle_min END) AS p50, max(CASE
  WHEN (fact_gap.idle_min IS NOT NULL
  AND fact_gap.idle_min >= 0) THEN fact_gap.idle_min END) AS max, count(CASE
  WHEN (fact_gap.idle_min IS NOT NULL
  AND fact_gap.idle_min >= 0
  AND fact_gap.is_usable IS true) THEN 1 END) AS usable, CAST(sum(CAST(CASE
  WHEN (fact_gap.is_usable IS true) THEN fact_gap.idle_min END AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS usable_min
  FROM fact_gap
  WHERE fact_gap.kind = 'idle'
  AND fact_gap.idle_min > 0
  AND fact_gap.end_at IS NOT NULL
  AND fact_gap.end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_gap.site_code IN ('NORTH')
  AND fact_gap.local_date >= '2026-09-01'
  AND fact_gap.local_date < '2026-10-01'
  AND fact_gap.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_gap.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_gap.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_gap.idle_min IS NOT NULL
  AND fact_gap.idle_min >= 0) THEN fact_gap.idle_min END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, CAST(sum(CAST(CASE
  WHEN (fact_gap.idle_min IS NOT NULL
  AND fact_gap.idle_min >= 0) THEN fact_gap.idle_min END AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS sum, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_gap.idle_min IS NOT NULL
  AND fact_gap.idle_min >= 0) THEN fact_gap.idle_min END) AS p50, max(CASE
  WHEN (fact_gap.idle_min IS NOT NULL
  AND fact_gap.idle_min >= 0) THEN fact_gap.idle_min END) AS max, count(CASE
  WHEN (fact_gap.idle_min IS NOT NULL
  AND fact_gap.idle_min >= 0
  AND fact_gap.is_usable IS true) THEN 1 END) AS usable, CAST(sum(CAST(CASE
  WHEN (fact_gap.is_usable IS true) THEN fact_gap.idle_min END AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS usable_min
  FROM fact_gap
  WHERE fact_gap.kind = 'idle'
  AND fact_gap.idle_min > 0
  AND fact_gap.end_at IS NOT NULL
  AND fact_gap.end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_gap.site_code IN ('NORTH')
  AND fact_gap.local_date >= '2026-09-01'
  AND fact_gap.local_date < '2026-10-01'
  AND fact_gap.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
