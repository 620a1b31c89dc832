-- duckdb
SELECT coalesce(fact_slot.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_slot.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN true THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_slot.state = 'cancelled') THEN 1 END) AS met_share, count(CASE
  WHEN (fact_slot.state = 'cancelled'
  AND fact_slot.cancelled_same_day IS true) THEN 1 END) AS met_same_day, count(CASE
  WHEN (fact_slot.state = 'cancelled'
  AND fact_slot.cancel_lead_min < 1440) THEN 1 END) AS met_under_24h, count(CASE
  WHEN (fact_slot.state = 'cancelled'
  AND fact_slot.cancel_lead_min >= 1440) THEN 1 END) AS met_over_24h, count(CASE
  WHEN (fact_slot.state = 'cancelled'
  AND fact_slot.called_off_by = 'patient') THEN 1 END) AS met_by_patient, count(CASE
  WHEN (fact_slot.state = 'cancelled'
  AND fact_slot.called_off_by = 'provider') THEN 1 END) AS met_by_provider, count(CASE
  WHEN (fact_slot.state = 'cancelled'
  AND fact_slot.called_off_by = 'site') THEN 1 END) AS met_by_site, count(CASE
  WHEN (fact_slot.state = 'cancelled'
  AND fact_slot.called_off_by = 'other') THEN 1 END) AS met_by_other
  FROM fact_slot
  WHERE fact_slot.is_last IS true
  AND fact_slot.state IN ('arrived', 'no_show', 'booked', 'rescheduled', 'cancelled')
  AND fact_slot.lead_band IS DISTINCT
  FROM 'add-on'
  AND fact_slot.appointment_at IS NOT NULL
  AND fact_slot.appointment_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_slot.site_code IN ('NORTH')
  AND fact_slot.local_date >= '2026-09-01'
  AND fact_slot.local_date < '2026-10-01'
  AND fact_slot.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_slot.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_slot.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN true THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_slot.state = 'cancelled') THEN 1 END) AS met_share, count(CASE
  WHEN (fact_slot.state = 'cancelled'
  AND fact_slot.cancelled_same_day IS true) THEN 1 END) AS met_same_day, count(CASE
  WHEN (fact_slot.state = 'cancelled'
  AND fact_slot.cancel_lead_min < 1440) THEN 1 END) AS met_under_24h, count(CASE
  WHEN (fact_slot.state = 'cancelled'
  AND fact_slot.cancel_lead_min >= 1440) THEN 1 END) AS met_over_24h, count(CASE
  WHEN (fact_slot.state = 'cancelled'
  AND fact_slot.called_off_by = 'patient') THEN 1 END) AS met_by_patient, count(CASE
  WHEN (fact_slot.state = 'cancelled'
  AND fact_slot.called_off_by = 'provider') THEN 1 END) AS met_by_provider, count(CASE
  WHEN (fact_slot.state = 'cancelled'
  AND fact_slot.called_off_by = 'site') THEN 1 END) AS met_by_site, count(CASE
  WHEN (fact_slot.state = 'cancelled'
  AND fact_slot.called_off_by = 'other') THEN 1 END) AS met_by_other
  FROM fact_slot
  WHERE fact_slot.is_last IS true
  AND fact_slot.state IN ('arrived', 'no_show', 'booked', 'rescheduled', 'cancelled')
  AND fact_slot.lead_band IS DISTINCT
  FROM 'add-on'
  AND fact_slot.appointment_at IS NOT NULL
  AND fact_slot.appointment_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_slot.site_code IN ('NORTH')
  AND fact_slot.local_date >= '2026-09-01'
  AND fact_slot.local_date < '2026-10-01'
  AND fact_slot.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
