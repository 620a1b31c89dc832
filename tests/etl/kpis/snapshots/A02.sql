-- duckdb
SELECT coalesce(fact_ai_result.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_ai_result.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_ai_result.judged_at IS NOT NULL
  AND fact_ai_result.judged_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_agreed IS NOT NULL) THEN 1 END) AS n, count(CASE
  WHEN (NOT (fact_ai_result.judged_at IS NOT NULL
  AND fact_ai_result.judged_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_agreed IS NOT NULL)) THEN 1 END) AS open, count(CASE
  WHEN (fact_ai_result.judged_at IS NOT NULL
  AND fact_ai_result.judged_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_agreed IS NOT NULL
  AND fact_ai_result.is_agreed IS true) THEN 1 END) AS met_share, count(CASE
  WHEN (fact_ai_result.judged_at IS NOT NULL
  AND fact_ai_result.judged_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_agreed IS NOT NULL
  AND fact_ai_result.result = 'positive'
  AND fact_ai_result.is_reported IS true) THEN 1 END) AS met_both_positive, count(CASE
  WHEN (fact_ai_result.judged_at IS NOT NULL
  AND fact_ai_result.judged_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_agreed IS NOT NULL
  AND fact_ai_result.result = 'positive'
  AND fact_ai_result.is_reported IS false) THEN 1 END) AS met_ai_only, count(CASE
  WHEN (fact_ai_result.judged_at IS NOT NULL
  AND fact_ai_result.judged_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_agreed IS NOT NULL
  AND fact_ai_result.result = 'negative'
  AND fact_ai_result.is_reported IS true) THEN 1 END) AS met_report_only, count(CASE
  WHEN (fact_ai_result.judged_at IS NOT NULL
  AND fact_ai_result.judged_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_agreed IS NOT NULL
  AND fact_ai_result.result = 'negative'
  AND fact_ai_result.is_reported IS false) THEN 1 END) AS met_both_negative
  FROM fact_ai_result
  WHERE (fact_ai_result.result = 'positive'
  OR fact_ai_result.result = 'negative')
  AND fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.site_code IN ('NORTH')
  AND fact_ai_result.local_date >= '2026-09-01'
  AND fact_ai_result.local_date < '2026-10-01'
  AND fact_ai_result.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_ai_result.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_ai_result.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_ai_result.judged_at IS NOT NULL
  AND fact_ai_result.judged_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_agreed IS NOT NULL) THEN 1 END) AS n, count(CASE
  WHEN (NOT (fact_ai_result.judged_at IS NOT NULL
  AND fact_ai_result.judged_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_agreed IS NOT NULL)) THEN 1 END) AS open, count(CASE
  WHEN (fact_ai_result.judged_at IS NOT NULL
  AND fact_ai_result.judged_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_agreed IS NOT NULL
  AND fact_ai_result.is_agreed IS true) THEN 1 END) AS met_share, count(CASE
  WHEN (fact_ai_result.judged_at IS NOT NULL
  AND fact_ai_result.judged_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_agreed IS NOT NULL
  AND fact_ai_result.result = 'positive'
  AND fact_ai_result.is_reported IS true) THEN 1 END) AS met_both_positive, count(CASE
  WHEN (fact_ai_result.judged_at IS NOT NULL
  AND fact_ai_result.judged_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_agreed IS NOT NULL
  AND fact_ai_result.result = 'positive'
  AND fact_ai_result.is_reported IS false) THEN 1 END) AS met_ai_only, count(CASE
  WHEN (fact_ai_result.judged_at IS NOT NULL
  AND fact_ai_result.judged_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_agreed IS NOT NULL
  AND fact_ai_result.result = 'negative'
  AND fact_ai_result.is_reported IS true) THEN 1 END) AS met_report_only, count(CASE
  WHEN (fact_ai_result.judged_at IS NOT NULL
  AND fact_ai_result.judged_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_agreed IS NOT NULL
  AND fact_ai_result.result = 'negative'
  AND fact_ai_result.is_reported IS false) THEN 1 END) AS met_both_negative
  FROM fact_ai_result
  WHERE (fact_ai_result.result = 'positive'
  OR fact_ai_result.result = 'negative')
  AND fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.site_code IN ('NORTH')
  AND fact_ai_result.local_date >= '2026-09-01'
  AND fact_ai_result.local_date < '2026-10-01'
  AND fact_ai_result.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
