-- duckdb
SELECT coalesce(fact_dose_value.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_dose_value.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_dose_value.relative_value IS NOT NULL
  AND fact_dose_value.relative_value >= 0) THEN fact_dose_value.relative_value END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_dose_value.relative_value IS NOT NULL
  AND fact_dose_value.relative_value >= 0) THEN fact_dose_value.relative_value END) AS p50
  FROM fact_dose_value
  WHERE fact_dose_value.quantity != 'activity'
  AND fact_dose_value.reference_value IS NOT NULL
  AND fact_dose_value.exam_end_at IS NOT NULL
  AND fact_dose_value.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_dose_value.site_code IN ('NORTH')
  AND fact_dose_value.local_date >= '2026-09-01'
  AND fact_dose_value.local_date < '2026-10-01'
  AND fact_dose_value.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_dose_value.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_dose_value.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_dose_value.relative_value IS NOT NULL
  AND fact_dose_value.relative_value >= 0) THEN fact_dose_value.relative_value END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_dose_value.relative_value IS NOT NULL
  AND fact_dose_value.relative_value >= 0) THEN fact_dose_value.relative_value END) AS p50
  FROM fact_dose_value
  WHERE fact_dose_value.quantity != 'activity'
  AND fact_dose_value.reference_value IS NOT NULL
  AND fact_dose_value.exam_end_at IS NOT NULL
  AND fact_dose_value.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_dose_value.site_code IN ('NORTH')
  AND fact_dose_value.local_date >= '2026-09-01'
  AND fact_dose_value.local_date < '2026-10-01'
  AND fact_dose_value.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
