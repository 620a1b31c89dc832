-- duckdb
SELECT coalesce(fact_ai_result.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_ai_result.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 1 END) AS n, count(CASE
  WHEN (NOT (fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 1 END) AS open, count(CASE
  WHEN ((fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_before_read IS true) THEN 1 END) AS met_share, count(CASE
  WHEN ((fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.result = 'failed') THEN 1 END) AS met_failed, count(CASE
  WHEN ((fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.result != 'failed'
  AND fact_ai_result.is_before_read IS false) THEN 1 END) AS met_late
  FROM fact_ai_result
  WHERE fact_ai_result.ai_use = 'in_use'
  AND fact_ai_result.site_code IN ('NORTH')
  AND fact_ai_result.local_date >= '2026-09-01'
  AND fact_ai_result.local_date < '2026-10-01'
  AND fact_ai_result.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_ai_result.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_ai_result.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 1 END) AS n, count(CASE
  WHEN (NOT (fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 1 END) AS open, count(CASE
  WHEN ((fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_before_read IS true) THEN 1 END) AS met_share, count(CASE
  WHEN ((fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.result = 'failed') THEN 1 END) AS met_failed, count(CASE
  WHEN ((fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_ai_result.read_opened_at IS NOT NULL
  AND fact_ai_result.read_opened_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_ai_result.postproc_end_at IS NOT NULL
  AND fact_ai_result.postproc_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.result != 'failed'
  AND fact_ai_result.is_before_read IS false) THEN 1 END) AS met_late
  FROM fact_ai_result
  WHERE fact_ai_result.ai_use = 'in_use'
  AND fact_ai_result.site_code IN ('NORTH')
  AND fact_ai_result.local_date >= '2026-09-01'
  AND fact_ai_result.local_date < '2026-10-01'
  AND fact_ai_result.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
