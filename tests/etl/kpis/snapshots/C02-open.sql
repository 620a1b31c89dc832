-- duckdb
SELECT coalesce(fact_critical_result.scanner_code, 'unknown') AS k_scanner, instants.bucket AS k_month, count(*) AS count, max(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_critical_result.identified_at) AS DOUBLE PRECISION) / 60.0) AS oldest, percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_critical_result.identified_at) AS DOUBLE PRECISION) / 60.0) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_critical_result.identified_at) AS DOUBLE PRECISION) / 60.0) AS p90, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_critical_result.identified_at) AS DOUBLE PRECISION) / 60.0 > fact_critical_result.limit_min) THEN 1 END) AS over_limit
  FROM (SELECT listed.site AS site, CAST(listed.bucket AS DATE) AS bucket, CAST(listed."at" AS TIMESTAMP WITHOUT TIME ZONE) AS "at"
  FROM (VALUES ('NORTH', '2026-09-01', '2026-09-08 18:00:00')) AS listed (site, bucket, "at")) AS instants
  JOIN fact_critical_result ON fact_critical_result.site_code = instants.site
  AND fact_critical_result.identified_at <= instants."at"
  AND (fact_critical_result.communicated_at IS NULL
  OR fact_critical_result.communicated_at > instants."at")
  WHERE fact_critical_result.identified_at IS NOT NULL
  AND fact_critical_result.site_code IN ('NORTH')
  AND fact_critical_result.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_critical_result.scanner_code, 'unknown') AS k_scanner, instants.bucket AS k_month, count(*) AS count, max(CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_critical_result.identified_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION)) AS oldest, percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_critical_result.identified_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION)) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_critical_result.identified_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION)) AS p90, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_critical_result.identified_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) > fact_critical_result.limit_min) THEN 1 END) AS over_limit
  FROM (SELECT listed.site AS site, CAST(listed.bucket AS DATE) AS bucket, CAST(listed.at AS TIMESTAMP WITHOUT TIME ZONE) AS at
  FROM (VALUES ('NORTH', '2026-09-01', '2026-09-08 18:00:00')) AS listed (site, bucket, at)) AS instants
  JOIN fact_critical_result ON fact_critical_result.site_code = instants.site
  AND fact_critical_result.identified_at <= instants.at
  AND (fact_critical_result.communicated_at IS NULL
  OR fact_critical_result.communicated_at > instants.at)
  WHERE fact_critical_result.identified_at IS NOT NULL
  AND fact_critical_result.site_code IN ('NORTH')
  AND fact_critical_result.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
