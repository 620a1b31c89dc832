-- duckdb
SELECT coalesce(fact_followup.scanner_code, 'unknown') AS k_scanner, instants.bucket AS k_month, count(CASE
  WHEN (fact_followup.dismissed_at IS NULL
  OR fact_followup.dismissed_at > instants."at") THEN 1 END) AS count, max(CASE
  WHEN (fact_followup.dismissed_at IS NULL
  OR fact_followup.dismissed_at > instants."at") THEN CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_followup.deadline_at) AS DOUBLE PRECISION) / 60.0 END) AS oldest, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_followup.dismissed_at IS NULL
  OR fact_followup.dismissed_at > instants."at") THEN CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_followup.deadline_at) AS DOUBLE PRECISION) / 60.0 END) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_followup.dismissed_at IS NULL
  OR fact_followup.dismissed_at > instants."at") THEN CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_followup.deadline_at) AS DOUBLE PRECISION) / 60.0 END) AS p90, count(CASE
  WHEN (NOT (fact_followup.dismissed_at IS NULL
  OR fact_followup.dismissed_at > instants."at")) THEN 1 END) AS dismissed
  FROM (SELECT listed.site AS site, CAST(listed.bucket AS DATE) AS bucket, CAST(listed."at" AS TIMESTAMP WITHOUT TIME ZONE) AS "at"
  FROM (VALUES ('NORTH', '2026-09-01', '2026-09-08 18:00:00')) AS listed (site, bucket, "at")) AS instants
  JOIN fact_followup ON fact_followup.site_code = instants.site
  AND fact_followup.deadline_at <= instants."at"
  AND (fact_followup.completed_at IS NULL
  OR fact_followup.completed_at > instants."at")
  WHERE fact_followup.deadline_at IS NOT NULL
  AND fact_followup.site_code IN ('NORTH')
  AND fact_followup.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_followup.scanner_code, 'unknown') AS k_scanner, instants.bucket AS k_month, count(CASE
  WHEN (fact_followup.dismissed_at IS NULL
  OR fact_followup.dismissed_at > instants.at) THEN 1 END) AS count, max(CASE
  WHEN (fact_followup.dismissed_at IS NULL
  OR fact_followup.dismissed_at > instants.at) THEN CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_followup.deadline_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) END) AS oldest, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_followup.dismissed_at IS NULL
  OR fact_followup.dismissed_at > instants.at) THEN CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_followup.deadline_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) END) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_followup.dismissed_at IS NULL
  OR fact_followup.dismissed_at > instants.at) THEN CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_followup.deadline_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) END) AS p90, count(CASE
  WHEN (NOT (fact_followup.dismissed_at IS NULL
  OR fact_followup.dismissed_at > instants.at)) THEN 1 END) AS dismissed
  FROM (SELECT listed.site AS site, CAST(listed.bucket AS DATE) AS bucket, CAST(listed.at AS TIMESTAMP WITHOUT TIME ZONE) AS at
  FROM (VALUES ('NORTH', '2026-09-01', '2026-09-08 18:00:00')) AS listed (site, bucket, at)) AS instants
  JOIN fact_followup ON fact_followup.site_code = instants.site
  AND fact_followup.deadline_at <= instants.at
  AND (fact_followup.completed_at IS NULL
  OR fact_followup.completed_at > instants.at)
  WHERE fact_followup.deadline_at IS NOT NULL
  AND fact_followup.site_code IN ('NORTH')
  AND fact_followup.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
