-- duckdb
SELECT coalesce(fact_followup.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_followup.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN true THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_followup.wanted_modality IS NOT NULL
  AND fact_followup.interval_days IS NOT NULL) THEN 1 END) AS met_share, count(CASE
  WHEN (fact_followup.interval_days IS NULL) THEN 1 END) AS met_without_interval, count(CASE
  WHEN (fact_followup.wanted_modality IS NULL) THEN 1 END) AS met_without_modality
  FROM fact_followup
  WHERE fact_followup.recommended_at IS NOT NULL
  AND fact_followup.recommended_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_followup.site_code IN ('NORTH')
  AND fact_followup.local_date >= '2026-09-01'
  AND fact_followup.local_date < '2026-10-01'
  AND fact_followup.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_followup.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_followup.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN true THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_followup.wanted_modality IS NOT NULL
  AND fact_followup.interval_days IS NOT NULL) THEN 1 END) AS met_share, count(CASE
  WHEN (fact_followup.interval_days IS NULL) THEN 1 END) AS met_without_interval, count(CASE
  WHEN (fact_followup.wanted_modality IS NULL) THEN 1 END) AS met_without_modality
  FROM fact_followup
  WHERE fact_followup.recommended_at IS NOT NULL
  AND fact_followup.recommended_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_followup.site_code IN ('NORTH')
  AND fact_followup.local_date >= '2026-09-01'
  AND fact_followup.local_date < '2026-10-01'
  AND fact_followup.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
