-- duckdb
SELECT coalesce(fact_freed_slot.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_freed_slot.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN true THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_freed_slot.is_refilled IS true) THEN 1 END) AS met_share, count(CASE
  WHEN (fact_freed_slot.is_used IS true) THEN 1 END) AS met_used_unbooked
  FROM fact_freed_slot
  WHERE fact_freed_slot.appointment_at IS NOT NULL
  AND fact_freed_slot.appointment_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_freed_slot.scanner_code IS NOT NULL
  AND fact_freed_slot.lead_band IS DISTINCT
  FROM 'add-on'
  AND fact_freed_slot.site_code IN ('NORTH')
  AND fact_freed_slot.local_date >= '2026-09-01'
  AND fact_freed_slot.local_date < '2026-10-01'
  AND fact_freed_slot.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_freed_slot.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_freed_slot.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN true THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_freed_slot.is_refilled IS true) THEN 1 END) AS met_share, count(CASE
  WHEN (fact_freed_slot.is_used IS true) THEN 1 END) AS met_used_unbooked
  FROM fact_freed_slot
  WHERE fact_freed_slot.appointment_at IS NOT NULL
  AND fact_freed_slot.appointment_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_freed_slot.scanner_code IS NOT NULL
  AND fact_freed_slot.lead_band IS DISTINCT
  FROM 'add-on'
  AND fact_freed_slot.site_code IN ('NORTH')
  AND fact_freed_slot.local_date >= '2026-09-01'
  AND fact_freed_slot.local_date < '2026-10-01'
  AND fact_freed_slot.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
