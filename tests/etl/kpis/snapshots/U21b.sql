-- duckdb
SELECT coalesce(fact_queue.scanner_code, 'unknown') AS k_scanner, instants.bucket AS k_month, count(*) AS count, max(CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_queue.entered_at) AS DOUBLE PRECISION) / 60.0) AS oldest, percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_queue.entered_at) AS DOUBLE PRECISION) / 60.0) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants."at") AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_queue.entered_at) AS DOUBLE PRECISION) / 60.0) AS p90
  FROM (SELECT listed.site AS site, CAST(listed.bucket AS DATE) AS bucket, CAST(listed."at" AS TIMESTAMP WITHOUT TIME ZONE) AS "at"
  FROM (VALUES ('NORTH', '2026-09-01', '2026-09-08 18:00:00')) AS listed (site, bucket, "at")) AS instants
  JOIN fact_queue ON fact_queue.site_code = instants.site
  AND fact_queue.entered_at <= instants."at"
  AND (fact_queue.left_at IS NULL
  OR fact_queue.left_at > instants."at")
  WHERE fact_queue.queue = 'waiting'
  AND fact_queue.site_code IN ('NORTH')
  AND fact_queue.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_queue.scanner_code, 'unknown') AS k_scanner, instants.bucket AS k_month, count(*) AS count, max(CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_queue.entered_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION)) AS oldest, percentile_cont(0.5) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_queue.entered_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION)) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CAST(EXTRACT(epoch
  FROM instants.at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_queue.entered_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION)) AS p90
  FROM (SELECT listed.site AS site, CAST(listed.bucket AS DATE) AS bucket, CAST(listed.at AS TIMESTAMP WITHOUT TIME ZONE) AS at
  FROM (VALUES ('NORTH', '2026-09-01', '2026-09-08 18:00:00')) AS listed (site, bucket, at)) AS instants
  JOIN fact_queue ON fact_queue.site_code = instants.site
  AND fact_queue.entered_at <= instants.at
  AND (fact_queue.left_at IS NULL
  OR fact_queue.left_at > instants.at)
  WHERE fact_queue.queue = 'waiting'
  AND fact_queue.site_code IN ('NORTH')
  AND fact_queue.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
