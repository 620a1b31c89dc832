-- duckdb
SELECT coalesce(fact_slot.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_slot.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN ((fact_slot.state NOT IN ('booked', 'rescheduled'))
  OR CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_slot.appointment_at) AS DOUBLE PRECISION) / 60.0 >= 1440) THEN 1 END) AS n, count(CASE
  WHEN (fact_slot.state IN ('booked', 'rescheduled')
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_slot.appointment_at) AS DOUBLE PRECISION) / 60.0 < 1440) THEN 1 END) AS open, count(CASE
  WHEN (((fact_slot.state NOT IN ('booked', 'rescheduled'))
  OR CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_slot.appointment_at) AS DOUBLE PRECISION) / 60.0 >= 1440)
  AND fact_slot.state = 'arrived') THEN 1 END) AS met_share, count(CASE
  WHEN (((fact_slot.state NOT IN ('booked', 'rescheduled'))
  OR CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_slot.appointment_at) AS DOUBLE PRECISION) / 60.0 >= 1440)
  AND (fact_slot.state = 'no_show'
  OR fact_slot.state IN ('booked', 'rescheduled'))) THEN 1 END) AS met_no_show, count(CASE
  WHEN (((fact_slot.state NOT IN ('booked', 'rescheduled'))
  OR CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_slot.appointment_at) AS DOUBLE PRECISION) / 60.0 >= 1440)
  AND fact_slot.state = 'cancelled'
  AND fact_slot.called_off_by = 'patient') THEN 1 END) AS met_by_patient, count(CASE
  WHEN (((fact_slot.state NOT IN ('booked', 'rescheduled'))
  OR CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_slot.appointment_at) AS DOUBLE PRECISION) / 60.0 >= 1440)
  AND fact_slot.state = 'cancelled'
  AND fact_slot.called_off_by = 'provider') THEN 1 END) AS met_by_provider, count(CASE
  WHEN (((fact_slot.state NOT IN ('booked', 'rescheduled'))
  OR CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_slot.appointment_at) AS DOUBLE PRECISION) / 60.0 >= 1440)
  AND fact_slot.state = 'cancelled'
  AND fact_slot.called_off_by = 'site') THEN 1 END) AS met_by_site, count(CASE
  WHEN (((fact_slot.state NOT IN ('booked', 'rescheduled'))
  OR CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_slot.appointment_at) AS DOUBLE PRECISION) / 60.0 >= 1440)
  AND fact_slot.state = 'cancelled'
  AND coalesce(fact_slot.called_off_by, 'unknown') IN ('other', 'unknown')) THEN 1 END) AS met_by_other
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
  WHEN ((fact_slot.state NOT IN ('booked', 'rescheduled'))
  OR CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_slot.appointment_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 1440) THEN 1 END) AS n, count(CASE
  WHEN (fact_slot.state IN ('booked', 'rescheduled')
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_slot.appointment_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) < 1440) THEN 1 END) AS open, count(CASE
  WHEN (((fact_slot.state NOT IN ('booked', 'rescheduled'))
  OR CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_slot.appointment_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 1440)
  AND fact_slot.state = 'arrived') THEN 1 END) AS met_share, count(CASE
  WHEN (((fact_slot.state NOT IN ('booked', 'rescheduled'))
  OR CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_slot.appointment_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 1440)
  AND (fact_slot.state = 'no_show'
  OR fact_slot.state IN ('booked', 'rescheduled'))) THEN 1 END) AS met_no_show, count(CASE
  WHEN (((fact_slot.state NOT IN ('booked', 'rescheduled'))
  OR CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_slot.appointment_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 1440)
  AND fact_slot.state = 'cancelled'
  AND fact_slot.called_off_by = 'patient') THEN 1 END) AS met_by_patient, count(CASE
  WHEN (((fact_slot.state NOT IN ('booked', 'rescheduled'))
  OR CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_slot.appointment_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 1440)
  AND fact_slot.state = 'cancelled'
  AND fact_slot.called_off_by = 'provider') THEN 1 END) AS met_by_provider, count(CASE
  WHEN (((fact_slot.state NOT IN ('booked', 'rescheduled'))
  OR CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_slot.appointment_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 1440)
  AND fact_slot.state = 'cancelled'
  AND fact_slot.called_off_by = 'site') THEN 1 END) AS met_by_site, count(CASE
  WHEN (((fact_slot.state NOT IN ('booked', 'rescheduled'))
  OR CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_slot.appointment_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 1440)
  AND fact_slot.state = 'cancelled'
  AND coalesce(fact_slot.called_off_by, 'unknown') IN ('other', 'unknown')) THEN 1 END) AS met_by_other
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
