-- duckdb
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_exam.final_local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN true THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_exam.followup_recommended_at IS NOT NULL
  AND fact_exam.followup_recommended_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 1 END) AS met_share
  FROM fact_exam
  WHERE fact_exam.first_final_at IS NOT NULL
  AND fact_exam.first_final_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.site_code IN ('NORTH')
  AND fact_exam.final_local_date >= '2026-09-01'
  AND fact_exam.final_local_date < '2026-10-01'
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_exam.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_exam.final_local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN true THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_exam.followup_recommended_at IS NOT NULL
  AND fact_exam.followup_recommended_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 1 END) AS met_share
  FROM fact_exam
  WHERE fact_exam.first_final_at IS NOT NULL
  AND fact_exam.first_final_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_exam.site_code IN ('NORTH')
  AND fact_exam.final_local_date >= '2026-09-01'
  AND fact_exam.final_local_date < '2026-10-01'
  AND fact_exam.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
