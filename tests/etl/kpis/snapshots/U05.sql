-- duckdb
SELECT coalesce(fact_template_slot.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_template_slot.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (NOT (fact_template_slot.is_pending IS true
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_template_slot.begin_at) AS DOUBLE PRECISION) / 60.0 < 1440)) THEN 1 END) AS n, count(CASE
  WHEN (fact_template_slot.is_pending IS true
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_template_slot.begin_at) AS DOUBLE PRECISION) / 60.0 < 1440) THEN 1 END) AS open, count(CASE
  WHEN (NOT (fact_template_slot.is_pending IS true
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_template_slot.begin_at) AS DOUBLE PRECISION) / 60.0 < 1440)
  AND fact_template_slot.is_performed IS true) THEN 1 END) AS met_share, count(CASE
  WHEN (NOT (fact_template_slot.is_pending IS true
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_template_slot.begin_at) AS DOUBLE PRECISION) / 60.0 < 1440)
  AND fact_template_slot.is_booked IS true) THEN 1 END) AS met_booked
  FROM fact_template_slot
  WHERE fact_template_slot.begin_at IS NOT NULL
  AND fact_template_slot.begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_template_slot.site_code IN ('NORTH')
  AND fact_template_slot.local_date >= '2026-09-01'
  AND fact_template_slot.local_date < '2026-10-01'
  AND fact_template_slot.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_template_slot.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_template_slot.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (NOT (fact_template_slot.is_pending IS true
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_template_slot.begin_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) < 1440)) THEN 1 END) AS n, count(CASE
  WHEN (fact_template_slot.is_pending IS true
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_template_slot.begin_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) < 1440) THEN 1 END) AS open, count(CASE
  WHEN (NOT (fact_template_slot.is_pending IS true
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_template_slot.begin_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) < 1440)
  AND fact_template_slot.is_performed IS true) THEN 1 END) AS met_share, count(CASE
  WHEN (NOT (fact_template_slot.is_pending IS true
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_template_slot.begin_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) < 1440)
  AND fact_template_slot.is_booked IS true) THEN 1 END) AS met_booked
  FROM fact_template_slot
  WHERE fact_template_slot.begin_at IS NOT NULL
  AND fact_template_slot.begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_template_slot.site_code IN ('NORTH')
  AND fact_template_slot.local_date >= '2026-09-01'
  AND fact_template_slot.local_date < '2026-10-01'
  AND fact_template_slot.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
