-- duckdb
SELECT coalesce(fact_critical_result.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_critical_result.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN true THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_critical_result.has_who IS true
  AND fact_critical_result.has_whom IS true
  AND fact_critical_result.has_when IS true
  AND fact_critical_result.has_how IS true
  AND fact_critical_result.has_read_back IS true) THEN 1 END) AS met_complete, count(CASE
  WHEN (fact_critical_result.has_who IS true) THEN 1 END) AS met_who, count(CASE
  WHEN (fact_critical_result.has_whom IS true) THEN 1 END) AS met_whom, count(CASE
  WHEN (fact_critical_result.has_when IS true) THEN 1 END) AS met_when, count(CASE
  WHEN (fact_critical_result.has_how IS true) THEN 1 END) AS met_how, count(CASE
  WHEN (fact_critical_result.has_read_back IS true) THEN 1 END) AS met_read_back
  FROM fact_critical_result
  WHERE fact_critical_result.identified_at IS NOT NULL
  AND fact_critical_result.identified_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_critical_result.communicated_at IS NOT NULL
  AND fact_critical_result.communicated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_critical_result.site_code IN ('NORTH')
  AND fact_critical_result.local_date >= '2026-09-01'
  AND fact_critical_result.local_date < '2026-10-01'
  AND fact_critical_result.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_critical_result.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_critical_result.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN true THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_critical_result.has_who IS true
  AND fact_critical_result.has_whom IS true
  AND fact_critical_result.has_when IS true
  AND fact_critical_result.has_how IS true
  AND fact_critical_result.has_read_back IS true) THEN 1 END) AS met_complete, count(CASE
  WHEN (fact_critical_result.has_who IS true) THEN 1 END) AS met_who, count(CASE
  WHEN (fact_critical_result.has_whom IS true) THEN 1 END) AS met_whom, count(CASE
  WHEN (fact_critical_result.has_when IS true) THEN 1 END) AS met_when, count(CASE
  WHEN (fact_critical_result.has_how IS true) THEN 1 END) AS met_how, count(CASE
  WHEN (fact_critical_result.has_read_back IS true) THEN 1 END) AS met_read_back
  FROM fact_critical_result
  WHERE fact_critical_result.identified_at IS NOT NULL
  AND fact_critical_result.identified_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_critical_result.communicated_at IS NOT NULL
  AND fact_critical_result.communicated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_critical_result.site_code IN ('NORTH')
  AND fact_critical_result.local_date >= '2026-09-01'
  AND fact_critical_result.local_date < '2026-10-01'
  AND fact_critical_result.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
