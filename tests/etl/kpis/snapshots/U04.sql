-- duckdb
SELECT coalesce(fact_scanner_hour.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_scanner_hour.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, CAST(sum(CAST(fact_scanner_hour.booked_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS numerator, CAST(sum(CAST(fact_scanner_hour.operating_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS available
  FROM fact_scanner_hour
  WHERE fact_scanner_hour.operating_min > 0
  AND fact_scanner_hour.site_code IN ('NORTH')
  AND fact_scanner_hour.local_date >= '2026-09-01'
  AND fact_scanner_hour.local_date < '2026-10-01'
  AND fact_scanner_hour.hour_at <= CAST('2026-09-08 17:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_scanner_hour.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_scanner_hour.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_scanner_hour.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, CAST(sum(CAST(fact_scanner_hour.booked_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS numerator, CAST(sum(CAST(fact_scanner_hour.operating_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS available
  FROM fact_scanner_hour
  WHERE fact_scanner_hour.operating_min > 0
  AND fact_scanner_hour.site_code IN ('NORTH')
  AND fact_scanner_hour.local_date >= '2026-09-01'
  AND fact_scanner_hour.local_date < '2026-10-01'
  AND fact_scanner_hour.hour_at <= CAST('2026-09-08 17:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_scanner_hour.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
