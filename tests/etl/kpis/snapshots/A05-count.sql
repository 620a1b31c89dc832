-- duckdb
SELECT coalesce(fact_ai_result.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_ai_result.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n
  FROM fact_ai_result
  WHERE (fact_ai_result.result = 'positive'
  OR fact_ai_result.result = 'negative')
  AND fact_ai_result.judged_at IS NOT NULL
  AND fact_ai_result.judged_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_agreed IS NOT NULL
  AND fact_ai_result.is_agreed IS false
  AND fact_ai_result.site_code IN ('NORTH')
  AND fact_ai_result.local_date >= '2026-09-01'
  AND fact_ai_result.local_date < '2026-10-01'
  AND fact_ai_result.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_ai_result.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_ai_result.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n
  FROM fact_ai_result
  WHERE (fact_ai_result.result = 'positive'
  OR fact_ai_result.result = 'negative')
  AND fact_ai_result.judged_at IS NOT NULL
  AND fact_ai_result.judged_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_ai_result.is_agreed IS NOT NULL
  AND fact_ai_result.is_agreed IS false
  AND fact_ai_result.site_code IN ('NORTH')
  AND fact_ai_result.local_date >= '2026-09-01'
  AND fact_ai_result.local_date < '2026-10-01'
  AND fact_ai_result.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
