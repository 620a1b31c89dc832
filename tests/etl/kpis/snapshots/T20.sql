-- duckdb
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_exam.end_local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END IS NOT NULL
  AND CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END >= 0
  AND fact_exam.dictated_at IS NOT NULL
  AND fact_exam.dictated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END END) AS basis, count(CASE
  WHEN (fact_exam.read_opened_at IS NOT NULL
  AND fact_exam.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_exam.dictated_at IS NULL
  OR fact_exam.dictated_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_prelim_at IS NULL
  OR fact_exam.first_prelim_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_final_at IS NULL
  OR fact_exam.first_final_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END IS NOT NULL
  AND CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END >= 0
  AND fact_exam.dictated_at IS NOT NULL
  AND fact_exam.dictated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END END) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CASE
  WHEN (CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END IS NOT NULL
  AND CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END >= 0
  AND fact_exam.dictated_at IS NOT NULL
  AND fact_exam.dictated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END END) AS p90, CAST(sum(CAST(CASE
  WHEN (fact_exam.is_read_idle IS true
  AND fact_exam.dictated_at IS NOT NULL
  AND fact_exam.dictated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 1.0
  ELSE 0.0 END AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS stripped
  FROM fact_exam
  WHERE fact_exam.is_performed IS true
  AND fact_exam.read_opened_at IS NOT NULL
  AND fact_exam.site_code IN ('NORTH')
  AND fact_exam.end_local_date >= '2026-09-01'
  AND fact_exam.end_local_date < '2026-10-01'
  AND (fact_exam.read_opened_at IS NULL
  OR fact_exam.read_opened_at IS NOT NULL
  AND fact_exam.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_exam.dictated_at IS NOT NULL
  AND fact_exam.dictated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_exam.end_local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END IS NOT NULL
  AND CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END >= 0
  AND fact_exam.dictated_at IS NOT NULL
  AND fact_exam.dictated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END END) AS basis, count(CASE
  WHEN (fact_exam.read_opened_at IS NOT NULL
  AND fact_exam.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_exam.dictated_at IS NULL
  OR fact_exam.dictated_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_prelim_at IS NULL
  OR fact_exam.first_prelim_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_final_at IS NULL
  OR fact_exam.first_final_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END IS NOT NULL
  AND CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END >= 0
  AND fact_exam.dictated_at IS NOT NULL
  AND fact_exam.dictated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END END) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CASE
  WHEN (CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END IS NOT NULL
  AND CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END >= 0
  AND fact_exam.dictated_at IS NOT NULL
  AND fact_exam.dictated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN CASE
  WHEN (fact_exam.is_read_idle IS NOT true) THEN fact_exam.read_time_min END END) AS p90, CAST(sum(CAST(CASE
  WHEN (fact_exam.is_read_idle IS true
  AND fact_exam.dictated_at IS NOT NULL
  AND fact_exam.dictated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 1.0
  ELSE 0.0 END AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS stripped
  FROM fact_exam
  WHERE fact_exam.is_performed IS true
  AND fact_exam.read_opened_at IS NOT NULL
  AND fact_exam.site_code IN ('NORTH')
  AND fact_exam.end_local_date >= '2026-09-01'
  AND fact_exam.end_local_date < '2026-10-01'
  AND (fact_exam.read_opened_at IS NULL
  OR fact_exam.read_opened_at IS NOT NULL
  AND fact_exam.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_exam.dictated_at IS NOT NULL
  AND fact_exam.dictated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
