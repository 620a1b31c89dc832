-- duckdb
SELECT coalesce(fact_exam_value.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_exam_value.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_exam_value.money IS NOT NULL
  AND fact_exam_value.money >= 0
  AND fact_exam_value.exam_end_at IS NOT NULL
  AND fact_exam_value.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_exam_value.money END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, CAST(sum(CAST(CASE
  WHEN (fact_exam_value.money IS NOT NULL
  AND fact_exam_value.money >= 0
  AND fact_exam_value.exam_end_at IS NOT NULL
  AND fact_exam_value.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_exam_value.money END AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS sum, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_exam_value.money IS NOT NULL
  AND fact_exam_value.money >= 0
  AND fact_exam_value.exam_end_at IS NOT NULL
  AND fact_exam_value.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_exam_value.money END) AS p50
  FROM fact_exam_value
  WHERE fact_exam_value.exam_end_at IS NOT NULL
  AND fact_exam_value.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam_value.site_code IN ('NORTH')
  AND fact_exam_value.local_date >= '2026-09-01'
  AND fact_exam_value.local_date < '2026-10-01'
  AND fact_exam_value.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_exam_value.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_exam_value.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_exam_value.money IS NOT NULL
  AND fact_exam_value.money >= 0
  AND fact_exam_value.exam_end_at IS NOT NULL
  AND fact_exam_value.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_exam_value.money END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, CAST(sum(CAST(CASE
  WHEN (fact_exam_value.money IS NOT NULL
  AND fact_exam_value.money >= 0
  AND fact_exam_value.exam_end_at IS NOT NULL
  AND fact_exam_value.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_exam_value.money END AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS sum, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_exam_value.money IS NOT NULL
  AND fact_exam_value.money >= 0
  AND fact_exam_value.exam_end_at IS NOT NULL
  AND fact_exam_value.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_exam_value.money END) AS p50
  FROM fact_exam_value
  WHERE fact_exam_value.exam_end_at IS NOT NULL
  AND fact_exam_value.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam_value.site_code IN ('NORTH')
  AND fact_exam_value.local_date >= '2026-09-01'
  AND fact_exam_value.local_date < '2026-10-01'
  AND fact_exam_value.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
