-- duckdb
SELECT coalesce(fact_prior.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_prior.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_prior.patient_key IS NOT NULL
  AND fact_prior.body_region IS NOT NULL
  AND fact_prior.modality_family IS NOT NULL
  AND fact_prior.history_days >= 7) THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_prior.patient_key IS NOT NULL
  AND fact_prior.body_region IS NOT NULL
  AND fact_prior.modality_family IS NOT NULL
  AND fact_prior.history_days >= 7
  AND fact_prior.prior_days <= 7) THEN 1 END) AS met_share
  FROM fact_prior
  WHERE fact_prior.is_performed IS true
  AND fact_prior.exam_end_at IS NOT NULL
  AND fact_prior.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_prior.site_code IN ('NORTH')
  AND fact_prior.local_date >= '2026-09-01'
  AND fact_prior.local_date < '2026-10-01'
  AND fact_prior.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_prior.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_prior.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_prior.patient_key IS NOT NULL
  AND fact_prior.body_region IS NOT NULL
  AND fact_prior.modality_family IS NOT NULL
  AND fact_prior.history_days >= 7) THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_prior.patient_key IS NOT NULL
  AND fact_prior.body_region IS NOT NULL
  AND fact_prior.modality_family IS NOT NULL
  AND fact_prior.history_days >= 7
  AND fact_prior.prior_days <= 7) THEN 1 END) AS met_share
  FROM fact_prior
  WHERE fact_prior.is_performed IS true
  AND fact_prior.exam_end_at IS NOT NULL
  AND fact_prior.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_prior.site_code IN ('NORTH')
  AND fact_prior.local_date >= '2026-09-01'
  AND fact_prior.local_date < '2026-10-01'
  AND fact_prior.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
