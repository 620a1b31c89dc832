-- duckdb
SELECT coalesce(fact_reference.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_reference.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN true THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_reference.is_called IS true) THEN 1 END) AS met_share
  FROM fact_reference
  WHERE fact_reference.is_called IS NOT NULL
  AND fact_reference.is_present IS NOT NULL
  AND fact_reference.known_from_at IS NOT NULL
  AND fact_reference.known_from_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_reference.is_present IS true
  AND fact_reference.site_code IN ('NORTH')
  AND fact_reference.local_date >= '2026-09-01'
  AND fact_reference.local_date < '2026-10-01'
  AND fact_reference.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_reference.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_reference.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN true THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_reference.is_called IS true) THEN 1 END) AS met_share
  FROM fact_reference
  WHERE fact_reference.is_called IS NOT NULL
  AND fact_reference.is_present IS NOT NULL
  AND fact_reference.known_from_at IS NOT NULL
  AND fact_reference.known_from_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_reference.is_present IS true
  AND fact_reference.site_code IN ('NORTH')
  AND fact_reference.local_date >= '2026-09-01'
  AND fact_reference.local_date < '2026-10-01'
  AND fact_reference.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
