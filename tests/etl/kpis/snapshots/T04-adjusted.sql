-- duckdb
SELECT coalesce(fact_wait.scanner_code, 'unknown') AS k_scanner, instants.bucket AS k_month, count(*) AS count, max(greatest(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / 60.0, 0.0)) AS oldest, percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / 60.0, 0.0)) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY greatest(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / 60.0, 0.0)) AS p90, count(CASE
  WHEN (coalesce(fact_wait.limit_min, 60480.0) <= greatest(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / 60.0, 0.0)) THEN 1 END) AS over_limit, count(CASE
  WHEN (greatest(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / 60.0, 0.0) >= 0.0
  AND greatest(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / 60.0, 0.0) < 20160.0) THEN 1 END) AS under_2_weeks, count(CASE
  WHEN (greatest(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / 60.0, 0.0) >= 20160.0
  AND greatest(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / 60.0, 0.0) < 40320.0) THEN 1 END) AS from_2_to_4, count(CASE
  WHEN (greatest(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / 60.0, 0.0) >= 40320.0
  AND greatest(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / 60.0, 0.0) < 60480.0) THEN 1 END) AS from_4_to_6, count(CASE
  WHEN (greatest(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / 60.0, 0.0) >= 60480.0
  AND greatest(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / 60.0, 0.0) < 131040.0) THEN 1 END) AS from_6_to_13, count(CASE
  WHEN (greatest(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / 60.0, 0.0) >= 131040.0) THEN 1 END) AS over_13_weeks
  FROM (SELECT listed.site AS site, CAST(listed.bucket AS DATE) AS bucket, CAST(listed."at" AS TIMESTAMP WITHOUT TIME ZONE) AS "at"
  FROM (VALUES ('NORTH', '2026-09-01', '2026-09-08 18:00:00')) AS listed (site, bucket, "at")) AS instants
  JOIN fact_wait ON fact_wait.site_code = instants.site
  AND fact_wait.entered_at <= instants."at"
  AND (fact_wait.until_at IS NULL
  OR fact_wait.until_at > instants."at")
  AND (fact_wait.exam_begin_at IS NULL
  OR fact_wait.exam_begin_at > instants."at")
  AND (fact_wait.done_at IS NULL
  OR fact_wait.done_at > instants."at")
  AND (fact_wait.off_at IS NULL
  OR fact_wait.off_at > instants."at")
  WHERE (EXISTS (SELECT 1
  FROM fact_bookable
  WHERE fact_bookable.site_code = fact_wait.site_code
  AND fact_bookable.modality = fact_wait.modality))
  AND fact_wait.site_code IN ('NORTH')
  AND fact_wait.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_wait.scanner_code, 'unknown') AS k_scanner, instants.bucket AS k_month, count(*) AS count, max(greatest(CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION), 0.0)) AS oldest, percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION), 0.0)) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY greatest(CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION), 0.0)) AS p90, count(CASE
  WHEN (coalesce(fact_wait.limit_min, 60480.0) <= greatest(CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION), 0.0)) THEN 1 END) AS over_limit, count(CASE
  WHEN (greatest(CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION), 0.0) >= 0.0
  AND greatest(CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION), 0.0) < 20160.0) THEN 1 END) AS under_2_weeks, count(CASE
  WHEN (greatest(CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION), 0.0) >= 20160.0
  AND greatest(CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION), 0.0) < 40320.0) THEN 1 END) AS from_2_to_4, count(CASE
  WHEN (greatest(CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION), 0.0) >= 40320.0
  AND greatest(CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION), 0.0) < 60480.0) THEN 1 END) AS from_4_to_6, count(CASE
  WHEN (greatest(CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION), 0.0) >= 60480.0
  AND greatest(CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION), 0.0) < 131040.0) THEN 1 END) AS from_6_to_13, count(CASE
  WHEN (greatest(CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_wait.clock_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION), 0.0) >= 131040.0) THEN 1 END) AS over_13_weeks
  FROM (SELECT listed.site AS site, CAST(listed.bucket AS DATE) AS bucket, CAST(listed.at AS TIMESTAMP WITHOUT TIME ZONE) AS at
  FROM (VALUES ('NORTH', '2026-09-01', '2026-09-08 18:00:00')) AS listed (site, bucket, at)) AS instants
  JOIN fact_wait ON fact_wait.site_code = instants.site
  AND fact_wait.entered_at <= instants.at
  AND (fact_wait.until_at IS NULL
  OR fact_wait.until_at > instants.at)
  AND (fact_wait.exam_begin_at IS NULL
  OR fact_wait.exam_begin_at > instants.at)
  AND (fact_wait.done_at IS NULL
  OR fact_wait.done_at > instants.at)
  AND (fact_wait.off_at IS NULL
  OR fact_wait.off_at > instants.at)
  WHERE (EXISTS (SELECT 1
  FROM fact_bookable
  WHERE fact_bookable.site_code = fact_wait.site_code
  AND fact_bookable.modality = fact_wait.modality))
  AND fact_wait.site_code IN ('NORTH')
  AND fact_wait.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
