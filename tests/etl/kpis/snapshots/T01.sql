-- duckdb
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_exam.order_local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, CASE
  WHEN (fact_exam.order_to_schedule_min IS NOT NULL
  AND fact_exam.order_to_schedule_min >= 0
  AND fact_exam.first_scheduled_at IS NOT NULL
  AND fact_exam.first_scheduled_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 'closed'
  WHEN (fact_exam.order_entered_at IS NOT NULL
  AND fact_exam.order_entered_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_exam.first_scheduled_at IS NULL
  OR fact_exam.first_scheduled_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.arrived_at IS NULL
  OR fact_exam.arrived_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_end_at IS NULL
  OR fact_exam.exam_end_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_acquisition_at IS NULL
  OR fact_exam.first_acquisition_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_communication_at IS NULL
  OR fact_exam.first_communication_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 'open'
  ELSE 'missing' END AS k_state, CASE
  WHEN (fact_exam.order_to_schedule_min IS NOT NULL
  AND fact_exam.order_to_schedule_min >= 0
  AND fact_exam.first_scheduled_at IS NOT NULL
  AND fact_exam.first_scheduled_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_exam.order_to_schedule_min
  WHEN (fact_exam.order_entered_at IS NOT NULL
  AND fact_exam.order_entered_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_exam.first_scheduled_at IS NULL
  OR fact_exam.first_scheduled_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.arrived_at IS NULL
  OR fact_exam.arrived_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_end_at IS NULL
  OR fact_exam.exam_end_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_acquisition_at IS NULL
  OR fact_exam.first_acquisition_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_communication_at IS NULL
  OR fact_exam.first_communication_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_entered_at) AS DOUBLE PRECISION) / 60.0 END AS k_duration, count(*) AS items
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
  AND (fact_exam.order_entered_at IS NULL
  OR fact_exam.order_entered_at IS NOT NULL
  AND fact_exam.order_entered_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_exam.first_scheduled_at IS NOT NULL
  AND fact_exam.first_scheduled_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month, k_state, k_duration

-- postgresql
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_exam.order_local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, CASE
  WHEN (fact_exam.order_to_schedule_min IS NOT NULL
  AND fact_exam.order_to_schedule_min >= 0
  AND fact_exam.first_scheduled_at IS NOT NULL
  AND fact_exam.first_scheduled_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 'closed'
  WHEN (fact_exam.order_entered_at IS NOT NULL
  AND fact_exam.order_entered_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_exam.first_scheduled_at IS NULL
  OR fact_exam.first_scheduled_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.arrived_at IS NULL
  OR fact_exam.arrived_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_end_at IS NULL
  OR fact_exam.exam_end_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_acquisition_at IS NULL
  OR fact_exam.first_acquisition_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_communication_at IS NULL
  OR fact_exam.first_communication_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 'open'
  ELSE 'missing' END AS k_state, CASE
  WHEN (fact_exam.order_to_schedule_min IS NOT NULL
  AND fact_exam.order_to_schedule_min >= 0
  AND fact_exam.first_scheduled_at IS NOT NULL
  AND fact_exam.first_scheduled_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_exam.order_to_schedule_min
  WHEN (fact_exam.order_entered_at IS NOT NULL
  AND fact_exam.order_entered_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_exam.first_scheduled_at IS NULL
  OR fact_exam.first_scheduled_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.arrived_at IS NULL
  OR fact_exam.arrived_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_end_at IS NULL
  OR fact_exam.exam_end_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_acquisition_at IS NULL
  OR fact_exam.first_acquisition_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_communication_at IS NULL
  OR fact_exam.first_communication_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_entered_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) END AS k_duration, count(*) AS items
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
  AND (fact_exam.order_entered_at IS NULL
  OR fact_exam.order_entered_at IS NOT NULL
  AND fact_exam.order_entered_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_exam.first_scheduled_at IS NOT NULL
  AND fact_exam.first_scheduled_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month, k_state, k_duration
