-- duckdb
SELECT coalesce(fact_transmission.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_transmission.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_transmission.mb_per_s IS NOT NULL
  AND fact_transmission.mb_per_s >= 0
  AND fact_transmission.last_stored_at IS NOT NULL
  AND fact_transmission.last_stored_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_transmission.mb_per_s END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_transmission.mb_per_s IS NOT NULL
  AND fact_transmission.mb_per_s >= 0
  AND fact_transmission.last_stored_at IS NOT NULL
  AND fact_transmission.last_stored_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_transmission.mb_per_s END) AS p50, percentile_cont(0.1) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_transmission.mb_per_s IS NOT NULL
  AND fact_transmission.mb_per_s >= 0
  AND fact_transmission.last_stored_at IS NOT NULL
  AND fact_transmission.last_stored_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_transmission.mb_per_s END) AS p10
  FROM fact_transmission
  WHERE fact_transmission.direction = 'store'
  AND fact_transmission.last_stored_at IS NOT NULL
  AND fact_transmission.last_stored_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_transmission.site_code IN ('NORTH')
  AND fact_transmission.local_date >= '2026-09-01'
  AND fact_transmission.local_date < '2026-10-01'
  AND fact_transmission.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_transmission.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_transmission.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_transmission.mb_per_s IS NOT NULL
  AND fact_transmission.mb_per_s >= 0
  AND fact_transmission.last_stored_at IS NOT NULL
  AND fact_transmission.last_stored_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_transmission.mb_per_s END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_transmission.mb_per_s IS NOT NULL
  AND fact_transmission.mb_per_s >= 0
  AND fact_transmission.last_stored_at IS NOT NULL
  AND fact_transmission.last_stored_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_transmission.mb_per_s END) AS p50, percentile_cont(0.1) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_transmission.mb_per_s IS NOT NULL
  AND fact_transmission.mb_per_s >= 0
  AND fact_transmission.last_stored_at IS NOT NULL
  AND fact_transmission.last_stored_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_transmission.mb_per_s END) AS p10
  FROM fact_transmission
  WHERE fact_transmission.direction = 'store'
  AND fact_transmission.last_stored_at IS NOT NULL
  AND fact_transmission.last_stored_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_transmission.site_code IN ('NORTH')
  AND fact_transmission.local_date >= '2026-09-01'
  AND fact_transmission.local_date < '2026-10-01'
  AND fact_transmission.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
