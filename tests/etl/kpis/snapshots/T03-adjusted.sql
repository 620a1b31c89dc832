-- duckdb
SELECT coalesce(fact_wait.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_wait.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, CASE
  WHEN (fact_wait.wait_min / 1440.0 IS NOT NULL
  AND fact_wait.wait_min / 1440.0 >= 0
  AND fact_wait.exam_begin_at IS NOT NULL
  AND fact_wait.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 'closed'
  WHEN (fact_wait.clock_at IS NOT NULL
  AND fact_wait.clock_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_wait.exam_begin_at IS NULL
  OR fact_wait.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_wait.done_at IS NULL
  OR fact_wait.done_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 'open'
  ELSE 'missing' END AS k_state, CASE
  WHEN (fact_wait.wait_min / 1440.0 IS NOT NULL
  AND fact_wait.wait_min / 1440.0 >= 0
  AND fact_wait.exam_begin_at IS NOT NULL
  AND fact_wait.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_wait.wait_min / 1440.0
  WHEN (fact_wait.clock_at IS NOT NULL
  AND fact_wait.clock_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_wait.exam_begin_at IS NULL
  OR fact_wait.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_wait.done_at IS NULL
  OR fact_wait.done_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN (CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / 60.0) / 1440.0 END AS k_duration, count(*) AS items
  FROM fact_wait
  WHERE (EXISTS (SELECT 1
  FROM fact_bookable
  WHERE fact_bookable.site_code = fact_wait.site_code
  AND fact_bookable.modality = fact_wait.modality))
  AND fact_wait.is_last IS true
  AND (fact_wait.off_at IS NULL
  OR fact_wait.off_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_wait.site_code IN ('NORTH')
  AND fact_wait.local_date >= '2026-09-01'
  AND fact_wait.local_date < '2026-10-01'
  AND (fact_wait.clock_at IS NULL
  OR fact_wait.clock_at IS NOT NULL
  AND fact_wait.clock_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_wait.exam_begin_at IS NOT NULL
  AND fact_wait.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_wait.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month, k_state, k_duration

-- postgresql
SELECT coalesce(fact_wait.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_wait.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, CASE
  WHEN (fact_wait.wait_min / CAST(1440.0 AS DOUBLE PRECISION) IS NOT NULL
  AND fact_wait.wait_min / CAST(1440.0 AS DOUBLE PRECISION) >= 0
  AND fact_wait.exam_begin_at IS NOT NULL
  AND fact_wait.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 'closed'
  WHEN (fact_wait.clock_at IS NOT NULL
  AND fact_wait.clock_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_wait.exam_begin_at IS NULL
  OR fact_wait.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_wait.done_at IS NULL
  OR fact_wait.done_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 'open'
  ELSE 'missing' END AS k_state, CASE
  WHEN (fact_wait.wait_min / CAST(1440.0 AS DOUBLE PRECISION) IS NOT NULL
  AND fact_wait.wait_min / CAST(1440.0 AS DOUBLE PRECISION) >= 0
  AND fact_wait.exam_begin_at IS NOT NULL
  AND fact_wait.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_wait.wait_min / CAST(1440.0 AS DOUBLE PRECISION)
  WHEN (fact_wait.clock_at IS NOT NULL
  AND fact_wait.clock_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_wait.exam_begin_at IS NULL
  OR fact_wait.exam_begin_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_wait.done_at IS NULL
  OR fact_wait.done_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN (CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION)) / CAST(1440.0 AS DOUBLE PRECISION) END AS k_duration, count(*) AS items
  FROM fact_wait
  WHERE (EXISTS (SELECT 1
  FROM fact_bookable
  WHERE fact_bookable.site_code = fact_wait.site_code
  AND fact_bookable.modality = fact_wait.modality))
  AND fact_wait.is_last IS true
  AND (fact_wait.off_at IS NULL
  OR fact_wait.off_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_wait.site_code IN ('NORTH')
  AND fact_wait.local_date >= '2026-09-01'
  AND fact_wait.local_date < '2026-10-01'
  AND (fact_wait.clock_at IS NULL
  OR fact_wait.clock_at IS NOT NULL
  AND fact_wait.clock_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_wait.exam_begin_at IS NOT NULL
  AND fact_wait.exam_begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_wait.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month, k_state, k_duration
