-- duckdb
SELECT coalesce(fact_scanner_time.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_scanner_time.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, CAST(sum(CAST(fact_scanner_time.begun_scan_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS numerator, CAST(sum(CAST(fact_scanner_time.stated_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS available, CAST(sum(CAST(fact_scanner_time.turnover_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS rated_total, CAST(sum(CAST(fact_scanner_time.turnovers AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS rated_count, CAST(sum(CAST(fact_scanner_time.begun_visits AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS rated_items
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
SELECT coalesce(fact_scanner_time.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_scanner_time.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, CAST(sum(CAST(fact_scanner_time.begun_scan_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS numerator, CAST(sum(CAST(fact_scanner_time.stated_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS available, CAST(sum(CAST(fact_scanner_time.turnover_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS rated_total, CAST(sum(CAST(fact_scanner_time.turnovers AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS rated_count, CAST(sum(CAST(fact_scanner_time.begun_visits AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS rated_items
  FROM fact_scanner_time
  WHERE fact_scanner_time.clock_min > 0
  AND fact_scanner_time.site_code IN ('NORTH')
  AND fact_scanner_time.local_date >= '2026-09-01'
  AND fact_scanner_time.local_date < '2026-10-01'
  AND fact_scanner_time.hour_at <= CAST('2026-09-08 17:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_scanner_time.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
