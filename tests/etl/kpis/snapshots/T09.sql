-- duckdb
SELECT coalesce(fact_first_case.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_first_case.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_first_case.exam_begin_at IS NOT NULL
  AND fact_first_case.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_first_case.start_delay_min IS NOT NULL) THEN 1 END) AS n, count(CASE
  WHEN ((fact_first_case.exam_begin_at IS NULL
  OR fact_first_case.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_first_case.appointment_at) AS DOUBLE PRECISION) / 60.0 < 1440) THEN 1 END) AS open, count(CASE
  WHEN (fact_first_case.exam_begin_at IS NOT NULL
  AND fact_first_case.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_first_case.start_delay_min IS NOT NULL
  AND fact_first_case.start_delay_min <= 15) THEN 1 END) AS met_within_15, count(CASE
  WHEN (fact_first_case.exam_begin_at IS NOT NULL
  AND fact_first_case.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_first_case.start_delay_min IS NOT NULL
  AND fact_first_case.start_delay_min <= 10) THEN 1 END) AS met_within_10, count(CASE
  WHEN (fact_first_case.exam_begin_at IS NOT NULL
  AND fact_first_case.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_first_case.start_delay_min IS NOT NULL
  AND fact_first_case.start_delay_min <= 5) THEN 1 END) AS met_within_5
  FROM fact_first_case
  WHERE fact_first_case.appointment_at IS NOT NULL
  AND fact_first_case.appointment_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_first_case.site_code IN ('NORTH')
  AND fact_first_case.local_date >= '2026-09-01'
  AND fact_first_case.local_date < '2026-10-01'
  AND fact_first_case.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_first_case.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_first_case.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_first_case.exam_begin_at IS NOT NULL
  AND fact_first_case.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_first_case.start_delay_min IS NOT NULL) THEN 1 END) AS n, count(CASE
  WHEN ((fact_first_case.exam_begin_at IS NULL
  OR fact_first_case.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_first_case.appointment_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) < 1440) THEN 1 END) AS open, count(CASE
  WHEN (fact_first_case.exam_begin_at IS NOT NULL
  AND fact_first_case.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_first_case.start_delay_min IS NOT NULL
  AND fact_first_case.start_delay_min <= 15) THEN 1 END) AS met_within_15, count(CASE
  WHEN (fact_first_case.exam_begin_at IS NOT NULL
  AND fact_first_case.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_first_case.start_delay_min IS NOT NULL
  AND fact_first_case.start_delay_min <= 10) THEN 1 END) AS met_within_10, count(CASE
  WHEN (fact_first_case.exam_begin_at IS NOT NULL
  AND fact_first_case.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_first_case.start_delay_min IS NOT NULL
  AND fact_first_case.start_delay_min <= 5) THEN 1 END) AS met_within_5
  FROM fact_first_case
  WHERE fact_first_case.appointment_at IS NOT NULL
  AND fact_first_case.appointment_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_first_case.site_code IN ('NORTH')
  AND fact_first_case.local_date >= '2026-09-01'
  AND fact_first_case.local_date < '2026-10-01'
  AND fact_first_case.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
