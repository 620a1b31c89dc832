-- duckdb
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_exam.order_local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_exam.order_entered_at IS NOT NULL
  AND (fact_exam.arrived_at IS NOT NULL
  AND fact_exam.arrived_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.order_to_arrive_min >= 0
  OR (fact_exam.arrived_at IS NULL
  OR fact_exam.arrived_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_final_at IS NULL
  OR fact_exam.first_final_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)))
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_entered_at) AS DOUBLE PRECISION) / 60.0 >= fact_exam.arrive_target_min) THEN 1 END) AS n, count(CASE
  WHEN (fact_exam.order_entered_at IS NOT NULL
  AND (fact_exam.arrived_at IS NOT NULL
  AND fact_exam.arrived_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.order_to_arrive_min >= 0
  OR (fact_exam.arrived_at IS NULL
  OR fact_exam.arrived_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_final_at IS NULL
  OR fact_exam.first_final_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)))
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_entered_at) AS DOUBLE PRECISION) / 60.0 < fact_exam.arrive_target_min) THEN 1 END) AS open, count(CASE
  WHEN (fact_exam.order_entered_at IS NOT NULL
  AND (fact_exam.arrived_at IS NOT NULL
  AND fact_exam.arrived_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.order_to_arrive_min >= 0
  OR (fact_exam.arrived_at IS NULL
  OR fact_exam.arrived_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_final_at IS NULL
  OR fact_exam.first_final_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)))
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_entered_at) AS DOUBLE PRECISION) / 60.0 >= fact_exam.arrive_target_min
  AND fact_exam.arrived_at IS NOT NULL
  AND fact_exam.arrived_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.order_to_arrive_min >= 0
  AND fact_exam.order_to_arrive_min <= fact_exam.arrive_target_min) THEN 1 END) AS met_share
  FROM fact_exam
  WHERE fact_exam.patient_class IN ('E', 'I')
  AND fact_exam.cancelled_at IS NULL
  AND fact_exam.no_show_at IS NULL
  AND fact_exam.site_code IN ('NORTH')
  AND fact_exam.order_local_date >= '2026-09-01'
  AND fact_exam.order_local_date < '2026-10-01'
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_exam.order_local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_exam.order_entered_at IS NOT NULL
  AND (fact_exam.arrived_at IS NOT NULL
  AND fact_exam.arrived_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.order_to_arrive_min >= 0
  OR (fact_exam.arrived_at IS NULL
  OR fact_exam.arrived_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_final_at IS NULL
  OR fact_exam.first_final_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)))
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_entered_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= fact_exam.arrive_target_min) THEN 1 END) AS n, count(CASE
  WHEN (fact_exam.order_entered_at IS NOT NULL
  AND (fact_exam.arrived_at IS NOT NULL
  AND fact_exam.arrived_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.order_to_arrive_min >= 0
  OR (fact_exam.arrived_at IS NULL
  OR fact_exam.arrived_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_final_at IS NULL
  OR fact_exam.first_final_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)))
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_entered_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) < fact_exam.arrive_target_min) THEN 1 END) AS open, count(CASE
  WHEN (fact_exam.order_entered_at IS NOT NULL
  AND (fact_exam.arrived_at IS NOT NULL
  AND fact_exam.arrived_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.order_to_arrive_min >= 0
  OR (fact_exam.arrived_at IS NULL
  OR fact_exam.arrived_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_final_at IS NULL
  OR fact_exam.first_final_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)))
  AND CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_entered_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= fact_exam.arrive_target_min
  AND fact_exam.arrived_at IS NOT NULL
  AND fact_exam.arrived_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.order_to_arrive_min >= 0
  AND fact_exam.order_to_arrive_min <= fact_exam.arrive_target_min) THEN 1 END) AS met_share
  FROM fact_exam
  WHERE fact_exam.patient_class IN ('E', 'I')
  AND fact_exam.cancelled_at IS NULL
  AND fact_exam.no_show_at IS NULL
  AND fact_exam.site_code IN ('NORTH')
  AND fact_exam.order_local_date >= '2026-09-01'
  AND fact_exam.order_local_date < '2026-10-01'
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
