-- duckdb
SELECT coalesce(fact_visit.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_visit.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n
  FROM fact_visit
  WHERE fact_visit.part = 0
  AND fact_visit.begin_at IS NOT NULL
  AND fact_visit.begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_visit.site_code IN ('NORTH')
  AND fact_visit.local_date >= '2026-09-01'
  AND fact_visit.local_date < '2026-10-01'
  AND fact_visit.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_visit.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_visit.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n
  FROM fact_visit
  WHERE fact_visit.part = 0
  AND fact_visit.begin_at IS NOT NULL
  AND fact_visit.begin_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_visit.site_code IN ('NORTH')
  AND fact_visit.local_date >= '2026-09-01'
  AND fact_visit.local_date < '2026-10-01'
  AND fact_visit.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
