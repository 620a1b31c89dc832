-- duckdb
SELECT coalesce(fact_quality.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_quality.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, sum(fact_quality.images) AS items, sum(fact_quality.images) AS n, 0 AS open, sum(fact_quality.extra_images) AS met_share
  FROM fact_quality
  WHERE fact_quality.extra_images IS NOT NULL
  AND fact_quality.exams = 1
  AND fact_quality.site_code IN ('NORTH')
  AND fact_quality.local_date >= '2026-09-01'
  AND fact_quality.local_date < '2026-10-01'
  AND fact_quality.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_quality.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_quality.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, sum(fact_quality.images) AS items, sum(fact_quality.images) AS n, 0 AS open, sum(fact_quality.extra_images) AS met_share
  FROM fact_quality
  WHERE fact_quality.extra_images IS NOT NULL
  AND fact_quality.exams = 1
  AND fact_quality.site_code IN ('NORTH')
  AND fact_quality.local_date >= '2026-09-01'
  AND fact_quality.local_date < '2026-10-01'
  AND fact_quality.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
