-- duckdb
SELECT coalesce(fact_slot.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_slot.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_slot.lead_time_min / 1440.0 IS NOT NULL
  AND fact_slot.lead_time_min / 1440.0 >= 0) THEN fact_slot.lead_time_min / 1440.0 END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_slot.lead_time_min / 1440.0 IS NOT NULL
  AND fact_slot.lead_time_min / 1440.0 >= 0) THEN fact_slot.lead_time_min / 1440.0 END) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_slot.lead_time_min / 1440.0 IS NOT NULL
  AND fact_slot.lead_time_min / 1440.0 >= 0) THEN fact_slot.lead_time_min / 1440.0 END) AS p90
  FROM fact_slot
  WHERE fact_slot.is_last IS true
  AND fact_slot.state IN ('arrived', 'no_show', 'booked', 'rescheduled')
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
SELECT coalesce(fact_slot.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_slot.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_slot.lead_time_min / CAST(1440.0 AS DOUBLE PRECISION) IS NOT NULL
  AND fact_slot.lead_time_min / CAST(1440.0 AS DOUBLE PRECISION) >= 0) THEN fact_slot.lead_time_min / CAST(1440.0 AS DOUBLE PRECISION) END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_slot.lead_time_min / CAST(1440.0 AS DOUBLE PRECISION) IS NOT NULL
  AND fact_slot.lead_time_min / CAST(1440.0 AS DOUBLE PRECISION) >= 0) THEN fact_slot.lead_time_min / CAST(1440.0 AS DOUBLE PRECISION) END) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_slot.lead_time_min / CAST(1440.0 AS DOUBLE PRECISION) IS NOT NULL
  AND fact_slot.lead_time_min / CAST(1440.0 AS DOUBLE PRECISION) >= 0) THEN fact_slot.lead_time_min / CAST(1440.0 AS DOUBLE PRECISION) END) AS p90
  FROM fact_slot
  WHERE fact_slot.is_last IS true
  AND fact_slot.state IN ('arrived', 'no_show', 'booked', 'rescheduled')
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
