-- duckdb
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_exam.order_local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_exam.request_received_min IS NOT NULL
  AND fact_exam.request_received_min >= 0
  AND fact_exam.request_received_at IS NOT NULL
  AND fact_exam.request_received_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_exam.request_received_min END) AS basis, count(CASE
  WHEN (fact_exam.order_entered_at IS NOT NULL
  AND fact_exam.order_entered_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_exam.request_received_at IS NULL
  OR fact_exam.request_received_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_end_at IS NULL
  OR fact_exam.exam_end_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_acquisition_at IS NULL
  OR fact_exam.first_acquisition_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_communication_at IS NULL
  OR fact_exam.first_communication_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.cancelled_at IS NULL
  OR fact_exam.cancelled_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.no_show_at IS NULL
  OR fact_exam.no_show_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_exam.request_received_min IS NOT NULL
  AND fact_exam.request_received_min >= 0
  AND fact_exam.request_received_at IS NOT NULL
  AND fact_exam.request_received_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_exam.request_received_min END) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_exam.request_received_min IS NOT NULL
  AND fact_exam.request_received_min >= 0
  AND fact_exam.request_received_at IS NOT NULL
  AND fact_exam.request_received_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_exam.request_received_min END) AS p90
  FROM fact_exam
  WHERE fact_exam.order_entered_at IS NOT NULL
  AND fact_exam.site_code IN ('NORTH')
  AND fact_exam.order_local_date >= '2026-09-01'
  AND fact_exam.order_local_date < '2026-10-01'
  AND (fact_exam.order_entered_at IS NULL
  OR fact_exam.order_entered_at IS NOT NULL
  AND fact_exam.order_entered_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_exam.request_received_at IS NOT NULL
  AND fact_exam.request_received_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_exam.order_local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_exam.request_received_min IS NOT NULL
  AND fact_exam.request_received_min >= 0
  AND fact_exam.request_received_at IS NOT NULL
  AND fact_exam.request_received_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_exam.request_received_min END) AS basis, count(CASE
  WHEN (fact_exam.order_entered_at IS NOT NULL
  AND fact_exam.order_entered_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_exam.request_received_at IS NULL
  OR fact_exam.request_received_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.exam_end_at IS NULL
  OR fact_exam.exam_end_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_acquisition_at IS NULL
  OR fact_exam.first_acquisition_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.first_communication_at IS NULL
  OR fact_exam.first_communication_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.cancelled_at IS NULL
  OR fact_exam.cancelled_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_exam.no_show_at IS NULL
  OR fact_exam.no_show_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_exam.request_received_min IS NOT NULL
  AND fact_exam.request_received_min >= 0
  AND fact_exam.request_received_at IS NOT NULL
  AND fact_exam.request_received_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_exam.request_received_min END) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_exam.request_received_min IS NOT NULL
  AND fact_exam.request_received_min >= 0
  AND fact_exam.request_received_at IS NOT NULL
  AND fact_exam.request_received_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_exam.request_received_min END) AS p90
  FROM fact_exam
  WHERE fact_exam.order_entered_at IS NOT NULL
  AND fact_exam.site_code IN ('NORTH')
  AND fact_exam.order_local_date >= '2026-09-01'
  AND fact_exam.order_local_date < '2026-10-01'
  AND (fact_exam.order_entered_at IS NULL
  OR fact_exam.order_entered_at IS NOT NULL
  AND fact_exam.order_entered_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_exam.request_received_at IS NOT NULL
  AND fact_exam.request_received_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
