-- duckdb
SELECT coalesce(fact_visit.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_visit.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, CAST(sum(CAST(fact_visit.acquired_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS numerator, CAST(sum(CAST(fact_visit.duration_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS available
  FROM fact_visit
  WHERE fact_visit.acquired_min IS NOT NULL
  AND fact_visit.duration_min IS NOT NULL
  AND fact_visit.site_code IN ('NORTH')
  AND fact_visit.local_date >= '2026-09-01'
  AND fact_visit.local_date < '2026-10-01'
  AND fact_visit.hour_at <= CAST('2026-09-08 17:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_visit.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_visit.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_visit.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, CAST(sum(CAST(fact_visit.acquired_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS numerator, CAST(sum(CAST(fact_visit.duration_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS available
  FROM fact_visit
  WHERE fact_visit.acquired_min IS NOT NULL
  AND fact_visit.duration_min IS NOT NULL
  AND fact_visit.site_code IN ('NORTH')
  AND fact_visit.local_date >= '2026-09-01'
  AND fact_visit.local_date < '2026-10-01'
  AND fact_visit.hour_at <= CAST('2026-09-08 17:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_visit.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
