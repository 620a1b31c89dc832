-- duckdb
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, instants.bucket AS k_month, count(*) AS count, max(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0) AS oldest, percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0) AS p90, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0 >= coalesce(fact_exam.access_target_min, 60480.0)) THEN 1 END) AS over_limit, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0 >= 0.0
  AND CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0 < 20160.0) THEN 1 END) AS under_2_weeks, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0 >= 20160.0
  AND CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0 < 40320.0) THEN 1 END) AS from_2_to_4, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0 >= 40320.0
  AND CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0 < 60480.0) THEN 1 END) AS from_4_to_6, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0 >= 60480.0
  AND CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0 < 131040.0) THEN 1 END) AS from_6_to_13, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / 60.0 >= 131040.0) THEN 1 END) AS over_13_weeks
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
  WHERE fact_exam.patient_class = 'O'
  AND (EXISTS (SELECT 1
  FROM fact_bookable
  WHERE fact_bookable.site_code = fact_exam.site_code
  AND fact_bookable.modality = fact_exam.modality))
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
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION)) AS p90, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= coalesce(fact_exam.access_target_min, 60480.0)) THEN 1 END) AS over_limit, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 0.0
  AND CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) < 20160.0) THEN 1 END) AS under_2_weeks, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 20160.0
  AND CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) < 40320.0) THEN 1 END) AS from_2_to_4, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 40320.0
  AND CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) < 60480.0) THEN 1 END) AS from_4_to_6, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 60480.0
  AND CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) < 131040.0) THEN 1 END) AS from_6_to_13, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.order_accepted_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 131040.0) THEN 1 END) AS over_13_weeks
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
  WHERE fact_exam.patient_class = 'O'
  AND (EXISTS (SELECT 1
  FROM fact_bookable
  WHERE fact_bookable.site_code = fact_exam.site_code
  AND fact_bookable.modality = fact_exam.modality))
  AND fact_exam.site_code IN ('NORTH')
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
