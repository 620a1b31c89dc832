-- duckdb
SELECT coalesce(fact_scanner_hour.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_scanner_hour.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_scanner_hour.after_hours_min IS NOT NULL
  AND fact_scanner_hour.after_hours_min >= 0) THEN fact_scanner_hour.after_hours_min END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, CAST(sum(CAST(CASE
  WHEN (fact_scanner_hour.after_hours_min IS NOT NULL
  AND fact_scanner_hour.after_hours_min >= 0) THEN fact_scanner_hour.after_hours_min END AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS sum
  FROM fact_scanner_hour
  WHERE fact_scanner_hour.after_hours_min > 0
  AND fact_scanner_hour.hour_at <= CAST('2026-09-08 17:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_scanner_hour.site_code IN ('NORTH')
  AND fact_scanner_hour.local_date >= '2026-09-01'
  AND fact_scanner_hour.local_date < '2026-10-01'
  AND fact_scanner_hour.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_scanner_hour.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_scanner_hour.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_scanner_hour.after_hours_min IS NOT NULL
  AND fact_scanner_hour.after_hours_min >= 0) THEN fact_scanner_hour.after_hours_min END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, CAST(sum(CAST(CASE
  WHEN (fact_scanner_hour.after_hours_min IS NOT NULL
  AND fact_scanner_hour.after_hours_min >= 0) THEN fact_scanner_hour.after_hours_min END AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS sum
  FROM fact_scanner_hour
  WHERE fact_scanner_hour.after_hours_min > 0
  AND fact_scanner_hour.hour_at <= CAST('2026-09-08 17:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_scanner_hour.site_code IN ('NORTH')
  AND fact_scanner_hour.local_date >= '2026-09-01'
  AND fact_scanner_hour.local_date < '2026-10-01'
  AND fact_scanner_hour.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
