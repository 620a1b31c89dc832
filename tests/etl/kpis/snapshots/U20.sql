-- duckdb
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, instants.bucket AS k_month, count(*) AS count, max(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0) AS oldest, percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0) AS p90, CAST(sum(CAST(fact_exam.planned_duration_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) / nullif(count(fact_exam.planned_duration_min), 0) AS work
  FROM (SELECT listed.site AS site, CAST(listed.bucket AS DATE) AS bucket, CAST(listed."at" AS TIMESTAMP WITHOUT TIME ZONE) AS "at"
  FROM (VALUES ('NORTH', '2026-09-01', '2026-09-08 18:00:00')) AS listed (site, bucket, "at")) AS instants
  JOIN fact_exam ON fact_exam.site_code = instants.site
  AND fact_exam.order_accepted_at <= instants."at"
  AND (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > instants."at")
  AND (fact_exam.exam_end_at IS NULL
  OR fact_exam.exam_end_at > instants."at")
  AND (fact_exam.first_acquisition_at IS NULL
  OR fact_exam.first_acquisition_at > instants."at")
  AND (fact_exam.first_communication_at IS NULL
  OR fact_exam.first_communication_at > instants."at")
  AND (fact_exam.cancelled_at IS NULL
  OR fact_exam.cancelled_at > instants."at")
  AND (fact_exam.no_show_at IS NULL
  OR fact_exam.no_show_at > instants."at")
  WHERE fact_exam.order_accepted_at IS NOT NULL
  AND fact_exam.site_code IN ('NORTH')
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, instants.bucket AS k_month, count(*) AS count, max(CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION)) AS oldest, percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION)) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION)) AS p90, CAST(sum(CAST(fact_exam.planned_duration_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) / CAST(nullif(count(fact_exam.planned_duration_min), 0) AS NUMERIC) AS work
  FROM (SELECT listed.site AS site, CAST(listed.bucket AS DATE) AS bucket, CAST(listed.at AS TIMESTAMP WITHOUT TIME ZONE) AS at
  FROM (VALUES ('NORTH', '2026-09-01', '2026-09-08 18:00:00')) AS listed (site, bucket, at)) AS instants
  JOIN fact_exam ON fact_exam.site_code = instants.site
  AND fact_exam.order_accepted_at <= instants.at
  AND (fact_exam.exam_begin_at IS NULL
  OR fact_exam.exam_begin_at > instants.at)
  AND (fact_exam.exam_end_at IS NULL
  OR fact_exam.exam_end_at > instants.at)
  AND (fact_exam.first_acquisition_at IS NULL
  OR fact_exam.first_acquisition_at > instants.at)
  AND (fact_exam.first_communication_at IS NULL
  OR fact_exam.first_communication_at > instants.at)
  AND (fact_exam.cancelled_at IS NULL
  OR fact_exam.cancelled_at > instants.at)
  AND (fact_exam.no_show_at IS NULL
  OR fact_exam.no_show_at > instants.at)
  WHERE fact_exam.order_accepted_at IS NOT NULL
  AND fact_exam.site_code IN ('NORTH')
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
