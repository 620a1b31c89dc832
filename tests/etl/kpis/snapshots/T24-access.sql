-- duckdb
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_exam.order_local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_exam.order_accepted_at IS NOT NULL
  AND (fact_exam.exam_begin_at IS NOT NULL
  AND fact_exam.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.access_wait_min >= 0
  OR (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_end_at IS NULL
  OR fact_exam.exam_end_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_acquisition_at IS NULL
  OR fact_exam.first_acquisition_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_communication_at IS NULL
  OR fact_exam.first_communication_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)))
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0 >= fact_exam.access_target_min) THEN 1 END) AS n, count(CASE
  WHEN (fact_exam.order_accepted_at IS NOT NULL
  AND (fact_exam.exam_begin_at IS NOT NULL
  AND fact_exam.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.access_wait_min >= 0
  OR (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_end_at IS NULL
  OR fact_exam.exam_end_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_acquisition_at IS NULL
  OR fact_exam.first_acquisition_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_communication_at IS NULL
  OR fact_exam.first_communication_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)))
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0 < fact_exam.access_target_min) THEN 1 END) AS open, count(CASE
  WHEN (fact_exam.order_accepted_at IS NOT NULL
  AND (fact_exam.exam_begin_at IS NOT NULL
  AND fact_exam.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.access_wait_min >= 0
  OR (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_end_at IS NULL
  OR fact_exam.exam_end_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_acquisition_at IS NULL
  OR fact_exam.first_acquisition_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_communication_at IS NULL
  OR fact_exam.first_communication_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)))
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0 >= fact_exam.access_target_min
  AND fact_exam.exam_begin_at IS NOT NULL
  AND fact_exam.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.access_wait_min >= 0
  AND fact_exam.access_wait_min <= fact_exam.access_target_min) THEN 1 END) AS met_share
  FROM fact_exam
  WHERE fact_exam.patient_class = 'O'
  AND (EXISTS (SELECT 1
  FROM fact_bookable
  WHERE fact_bookable.site_code = fact_exam.site_code
  AND fact_bookable.modality = fact_exam.modality))
  AND (fact_exam.cancelled_at IS NULL
  OR fact_exam.cancelled_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.no_show_at IS NULL
  OR fact_exam.no_show_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_exam.site_code IN ('NORTH')
  AND fact_exam.order_local_date >= '2026-09-01'
  AND fact_exam.order_local_date < '2026-10-01'
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_exam.order_local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_exam.order_accepted_at IS NOT NULL
  AND (fact_exam.exam_begin_at IS NOT NULL
  AND fact_exam.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.access_wait_min >= 0
  OR (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_end_at IS NULL
  OR fact_exam.exam_end_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_acquisition_at IS NULL
  OR fact_exam.first_acquisition_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_communication_at IS NULL
  OR fact_exam.first_communication_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)))
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= fact_exam.access_target_min) THEN 1 END) AS n, count(CASE
  WHEN (fact_exam.order_accepted_at IS NOT NULL
  AND (fact_exam.exam_begin_at IS NOT NULL
  AND fact_exam.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.access_wait_min >= 0
  OR (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_end_at IS NULL
  OR fact_exam.exam_end_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_acquisition_at IS NULL
  OR fact_exam.first_acquisition_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_communication_at IS NULL
  OR fact_exam.first_communication_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)))
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) < fact_exam.access_target_min) THEN 1 END) AS open, count(CASE
  WHEN (fact_exam.order_accepted_at IS NOT NULL
  AND (fact_exam.exam_begin_at IS NOT NULL
  AND fact_exam.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.access_wait_min >= 0
  OR (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_end_at IS NULL
  OR fact_exam.exam_end_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_acquisition_at IS NULL
  OR fact_exam.first_acquisition_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_communication_at IS NULL
  OR fact_exam.first_communication_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)))
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= fact_exam.access_target_min
  AND fact_exam.exam_begin_at IS NOT NULL
  AND fact_exam.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.access_wait_min >= 0
  AND fact_exam.access_wait_min <= fact_exam.access_target_min) THEN 1 END) AS met_share
  FROM fact_exam
  WHERE fact_exam.patient_class = 'O'
  AND (EXISTS (SELECT 1
  FROM fact_bookable
  WHERE fact_bookable.site_code = fact_exam.site_code
  AND fact_bookable.modality = fact_exam.modality))
  AND (fact_exam.cancelled_at IS NULL
  OR fact_exam.cancelled_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.no_show_at IS NULL
  OR fact_exam.no_show_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_exam.site_code IN ('NORTH')
  AND fact_exam.order_local_date >= '2026-09-01'
  AND fact_exam.order_local_date < '2026-10-01'
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
