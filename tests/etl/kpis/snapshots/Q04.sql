-- duckdb
SELECT coalesce(fact_quality.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_quality.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN true THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_quality.is_reviewed IS true) THEN 1 END) AS met_share
  FROM fact_quality
  WHERE fact_quality.is_reported IS true
  AND fact_quality.site_code IN ('NORTH')
  AND fact_quality.local_date >= '2026-09-01'
  AND fact_quality.local_date < '2026-10-01'
  AND fact_quality.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_quality.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_quality.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN true THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_quality.is_reviewed IS true) THEN 1 END) AS met_share
  FROM fact_quality
  WHERE fact_quality.is_reported IS true
  AND fact_quality.site_code IN ('NORTH')
  AND fact_quality.local_date >= '2026-09-01'
  AND fact_quality.local_date < '2026-10-01'
  AND fact_quality.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
