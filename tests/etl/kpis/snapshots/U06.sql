-- duckdb
SELECT coalesce(fact_scanner_time.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_scanner_time.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, CAST(sum(CAST(fact_scanner_time.table_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS numerator, CAST(sum(CAST(fact_scanner_time.week_50h_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS available
  FROM fact_scanner_time
  WHERE fact_scanner_time.clock_min > 0
  AND fact_scanner_time.site_code IN ('NORTH')
  AND fact_scanner_time.local_date >= '2026-09-01'
  AND fact_scanner_time.local_date < '2026-10-01'
  AND fact_scanner_time.hour_at <= CAST('2026-09-08 17:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_scanner_time.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_scanner_time.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_scanner_time.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, CAST(sum(CAST(fact_scanner_time.table_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS numerator, CAST(sum(CAST(fact_scanner_time.week_50h_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS available
  FROM fact_scanner_time
  WHERE fact_scanner_time.clock_min > 0
  AND fact_scanner_time.site_code IN ('NORTH')
  AND fact_scanner_time.local_date >= '2026-09-01'
  AND fact_scanner_time.local_date < '2026-10-01'
  AND fact_scanner_time.hour_at <= CAST('2026-09-08 17:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_scanner_time.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
