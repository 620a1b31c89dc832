-- duckdb
SELECT coalesce(fact_dose_patient.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_dose_patient.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_dose_patient.is_over IS NOT NULL) THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_dose_patient.is_over IS NOT NULL
  AND fact_dose_patient.is_over IS true) THEN 1 END) AS met_share, count(CASE
  WHEN (fact_dose_patient.is_over IS NOT NULL
  AND fact_dose_patient.is_crossing IS true) THEN 1 END) AS met_crossed
  FROM fact_dose_patient
  WHERE fact_dose_patient.exam_end_at IS NOT NULL
  AND fact_dose_patient.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_dose_patient.site_code IN ('NORTH')
  AND fact_dose_patient.local_date >= '2026-09-01'
  AND fact_dose_patient.local_date < '2026-10-01'
  AND fact_dose_patient.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_dose_patient.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_dose_patient.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_dose_patient.is_over IS NOT NULL) THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_dose_patient.is_over IS NOT NULL
  AND fact_dose_patient.is_over IS true) THEN 1 END) AS met_share, count(CASE
  WHEN (fact_dose_patient.is_over IS NOT NULL
  AND fact_dose_patient.is_crossing IS true) THEN 1 END) AS met_crossed
  FROM fact_dose_patient
  WHERE fact_dose_patient.exam_end_at IS NOT NULL
  AND fact_dose_patient.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_dose_patient.site_code IN ('NORTH')
  AND fact_dose_patient.local_date >= '2026-09-01'
  AND fact_dose_patient.local_date < '2026-10-01'
  AND fact_dose_patient.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
