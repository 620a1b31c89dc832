-- duckdb
SELECT coalesce(fact_ai_result.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_ai_result.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_ai_result.flagged_difference_min IS NOT NULL
  AND fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_ai_result.flagged_difference_min END) AS basis, count(CASE
  WHEN (fact_ai_result.images_available_at IS NOT NULL
  AND fact_ai_result.images_available_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_ai_result.read_opened_at IS NULL
  OR fact_ai_result.read_opened_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_ai_result.flagged_difference_min IS NOT NULL
  AND fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_ai_result.flagged_difference_min END) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_ai_result.flagged_difference_min IS NOT NULL
  AND fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_ai_result.flagged_difference_min END) AS p90, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_ai_result.hours = 'work') THEN fact_ai_result.flagged_difference_min END) AS work_p50, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_ai_result.hours = 'off') THEN fact_ai_result.flagged_difference_min END) AS off_p50, percentile_cont(0.5) WITHIN GROUP (ORDER BY fact_ai_result.before_difference_min) AS before_p50
  FROM fact_ai_result
  WHERE fact_ai_result.ai_use = 'in_use'
  AND fact_ai_result.result = 'positive'
  AND fact_ai_result.site_code IN ('NORTH')
  AND fact_ai_result.local_date >= '2026-09-01'
  AND fact_ai_result.local_date < '2026-10-01'
  AND (fact_ai_result.images_available_at IS NULL
  OR fact_ai_result.images_available_at IS NOT NULL
  AND fact_ai_result.images_available_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_ai_result.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_ai_result.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_ai_result.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_ai_result.flagged_difference_min IS NOT NULL
  AND fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_ai_result.flagged_difference_min END) AS basis, count(CASE
  WHEN (fact_ai_result.images_available_at IS NOT NULL
  AND fact_ai_result.images_available_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_ai_result.read_opened_at IS NULL
  OR fact_ai_result.read_opened_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_ai_result.flagged_difference_min IS NOT NULL
  AND fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_ai_result.flagged_difference_min END) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_ai_result.flagged_difference_min IS NOT NULL
  AND fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_ai_result.flagged_difference_min END) AS p90, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_ai_result.hours = 'work') THEN fact_ai_result.flagged_difference_min END) AS work_p50, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_ai_result.hours = 'off') THEN fact_ai_result.flagged_difference_min END) AS off_p50, percentile_cont(0.5) WITHIN GROUP (ORDER BY fact_ai_result.before_difference_min) AS before_p50
  FROM fact_ai_result
  WHERE fact_ai_result.ai_use = 'in_use'
  AND fact_ai_result.result = 'positive'
  AND fact_ai_result.site_code IN ('NORTH')
  AND fact_ai_result.local_date >= '2026-09-01'
  AND fact_ai_result.local_date < '2026-10-01'
  AND (fact_ai_result.images_available_at IS NULL
  OR fact_ai_result.images_available_at IS NOT NULL
  AND fact_ai_result.images_available_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_ai_result.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
