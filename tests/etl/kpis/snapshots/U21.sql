-- duckdb
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, instants.bucket AS k_month, count(*) AS count, max(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / 60.0) AS oldest, percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / 60.0) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / 60.0) AS p90, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / 60.0 > fact_exam.report_target_min) THEN 1 END) AS over_limit, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / 60.0 >= 0.0
  AND CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / 60.0 < 60.0) THEN 1 END) AS under_1h, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / 60.0 >= 60.0
  AND CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / 60.0 < 240.0) THEN 1 END) AS from_1h_to_4h, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / 60.0 >= 240.0
  AND CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / 60.0 < 1440.0) THEN 1 END) AS from_4h_to_24h, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / 60.0 >= 1440.0) THEN 1 END) AS over_24h
  FROM (SELECT listed.site AS site, CAST(listed.bucket AS DATE) AS bucket, CAST(listed."at" AS TIMESTAMP WITHOUT TIME ZONE) AS "at"
  FROM (VALUES ('NORTH', '2026-09-01', '2026-09-08 18:00:00')) AS listed (site, bucket, "at")) AS instants
  JOIN fact_exam ON fact_exam.site_code = instants.site
  AND fact_exam.exam_end_at <= instants."at"
  AND (fact_exam.first_prelim_at IS NULL
  OR fact_exam.first_prelim_at > instants."at")
  AND (fact_exam.first_final_at IS NULL
  OR fact_exam.first_final_at > instants."at")
  WHERE fact_exam.is_performed IS true
  AND fact_exam.site_code IN ('NORTH')
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, instants.bucket AS k_month, count(*) AS count, max(CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION)) AS oldest, percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION)) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION)) AS p90, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) > fact_exam.report_target_min) THEN 1 END) AS over_limit, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 0.0
  AND CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) < 60.0) THEN 1 END) AS under_1h, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 60.0
  AND CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) < 240.0) THEN 1 END) AS from_1h_to_4h, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 240.0
  AND CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) < 1440.0) THEN 1 END) AS from_4h_to_24h, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_exam.exam_end_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 1440.0) THEN 1 END) AS over_24h
  FROM (SELECT listed.site AS site, CAST(listed.bucket AS DATE) AS bucket, CAST(listed.at AS TIMESTAMP WITHOUT TIME ZONE) AS at
  FROM (VALUES ('NORTH', '2026-09-01', '2026-09-08 18:00:00')) AS listed (site, bucket, at)) AS instants
  JOIN fact_exam ON fact_exam.site_code = instants.site
  AND fact_exam.exam_end_at <= instants.at
  AND (fact_exam.first_prelim_at IS NULL
  OR fact_exam.first_prelim_at > instants.at)
  AND (fact_exam.first_final_at IS NULL
  OR fact_exam.first_final_at > instants.at)
  WHERE fact_exam.is_performed IS true
  AND fact_exam.site_code IN ('NORTH')
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
