-- duckdb
SELECT coalesce(fact_quality.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_quality.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, sum(fact_quality.exams) AS items, sum(fact_quality.exams) AS n, 0 AS open, sum(fact_quality.submissions) AS met_per_1000, sum(fact_quality.great_calls) AS met_great_calls
  FROM fact_quality
  WHERE fact_quality.exams IS NOT NULL
  AND fact_quality.site_code IN ('NORTH')
  AND fact_quality.local_date >= '2026-09-01'
  AND fact_quality.local_date < '2026-10-01'
  AND fact_quality.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_quality.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_quality.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, sum(fact_quality.exams) AS items, sum(fact_quality.exams) AS n, 0 AS open, sum(fact_quality.submissions) AS met_per_1000, sum(fact_quality.great_calls) AS met_great_calls
  FROM fact_quality
  WHERE fact_quality.exams IS NOT NULL
  AND fact_quality.site_code IN ('NORTH')
  AND fact_quality.local_date >= '2026-09-01'
  AND fact_quality.local_date < '2026-10-01'
  AND fact_quality.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
