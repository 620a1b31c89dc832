-- duckdb
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_exam.end_local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / 60.0 IS NOT NULL
  AND CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / 60.0 >= 0
  AND fact_exam.first_addendum_at IS NOT NULL
  AND fact_exam.first_addendum_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / 60.0 END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / 60.0 IS NOT NULL
  AND CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / 60.0 >= 0
  AND fact_exam.first_addendum_at IS NOT NULL
  AND fact_exam.first_addendum_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / 60.0 END) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CASE
  WHEN (CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / 60.0 IS NOT NULL
  AND CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / 60.0 >= 0
  AND fact_exam.first_addendum_at IS NOT NULL
  AND fact_exam.first_addendum_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / 60.0 END) AS p90
  FROM fact_exam
  WHERE fact_exam.is_performed IS true
  AND fact_exam.first_addendum_at IS NOT NULL
  AND fact_exam.first_addendum_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.site_code IN ('NORTH')
  AND fact_exam.end_local_date >= '2026-09-01'
  AND fact_exam.end_local_date < '2026-10-01'
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_exam.end_local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) IS NOT NULL
  AND CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 0
  AND fact_exam.first_addendum_at IS NOT NULL
  AND fact_exam.first_addendum_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) IS NOT NULL
  AND CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 0
  AND fact_exam.first_addendum_at IS NOT NULL
  AND fact_exam.first_addendum_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) END) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CASE
  WHEN (CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) IS NOT NULL
  AND CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 0
  AND fact_exam.first_addendum_at IS NOT NULL
  AND fact_exam.first_addendum_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN CAST(EXTRACT(epoch
  FROM fact_exam.first_addendum_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.first_final_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) END) AS p90
  FROM fact_exam
  WHERE fact_exam.is_performed IS true
  AND fact_exam.first_addendum_at IS NOT NULL
  AND fact_exam.first_addendum_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.site_code IN ('NORTH')
  AND fact_exam.end_local_date >= '2026-09-01'
  AND fact_exam.end_local_date < '2026-10-01'
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
