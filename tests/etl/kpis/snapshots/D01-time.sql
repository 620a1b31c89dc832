-- duckdb
SELECT coalesce(fact_dose_exam.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_dose_exam.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_dose_exam.fluoro_time_min IS NOT NULL
  AND fact_dose_exam.fluoro_time_min >= 0) THEN fact_dose_exam.fluoro_time_min END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_dose_exam.fluoro_time_min IS NOT NULL
  AND fact_dose_exam.fluoro_time_min >= 0) THEN fact_dose_exam.fluoro_time_min END) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_dose_exam.fluoro_time_min IS NOT NULL
  AND fact_dose_exam.fluoro_time_min >= 0) THEN fact_dose_exam.fluoro_time_min END) AS p90
  FROM fact_dose_exam
  WHERE fact_dose_exam.modality IN ('RF', 'XA')
  AND fact_dose_exam.exam_end_at IS NOT NULL
  AND fact_dose_exam.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_dose_exam.site_code IN ('NORTH')
  AND fact_dose_exam.local_date >= '2026-09-01'
  AND fact_dose_exam.local_date < '2026-10-01'
  AND fact_dose_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_dose_exam.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_dose_exam.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_dose_exam.fluoro_time_min IS NOT NULL
  AND fact_dose_exam.fluoro_time_min >= 0) THEN fact_dose_exam.fluoro_time_min END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_dose_exam.fluoro_time_min IS NOT NULL
  AND fact_dose_exam.fluoro_time_min >= 0) THEN fact_dose_exam.fluoro_time_min END) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_dose_exam.fluoro_time_min IS NOT NULL
  AND fact_dose_exam.fluoro_time_min >= 0) THEN fact_dose_exam.fluoro_time_min END) AS p90
  FROM fact_dose_exam
  WHERE fact_dose_exam.modality IN ('RF', 'XA')
  AND fact_dose_exam.exam_end_at IS NOT NULL
  AND fact_dose_exam.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_dose_exam.site_code IN ('NORTH')
  AND fact_dose_exam.local_date >= '2026-09-01'
  AND fact_dose_exam.local_date < '2026-10-01'
  AND fact_dose_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
