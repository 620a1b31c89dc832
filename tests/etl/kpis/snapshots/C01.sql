-- duckdb
SELECT coalesce(fact_critical_result.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_critical_result.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 >= CAST(EXTRACT(epoch
  FROM fact_critical_result.identified_at) AS DOUBLE PRECISION) / 60.0 + fact_critical_result.limit_min) THEN 1 END) AS n, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 < CAST(EXTRACT(epoch
  FROM fact_critical_result.identified_at) AS DOUBLE PRECISION) / 60.0 + fact_critical_result.limit_min) THEN 1 END) AS open, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 >= CAST(EXTRACT(epoch
  FROM fact_critical_result.identified_at) AS DOUBLE PRECISION) / 60.0 + fact_critical_result.limit_min
  AND fact_critical_result.communicated_at IS NOT NULL
  AND fact_critical_result.communicated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND CAST(EXTRACT(epoch
  FROM fact_critical_result.communicated_at) AS DOUBLE PRECISION) / 60.0 <= CAST(EXTRACT(epoch
  FROM fact_critical_result.identified_at) AS DOUBLE PRECISION) / 60.0 + fact_critical_result.limit_min) THEN 1 END) AS met_share
  FROM fact_critical_result
  WHERE fact_critical_result.identified_at IS NOT NULL
  AND fact_critical_result.identified_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_critical_result.site_code IN ('NORTH')
  AND fact_critical_result.local_date >= '2026-09-01'
  AND fact_critical_result.local_date < '2026-10-01'
  AND fact_critical_result.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_critical_result.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_critical_result.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= CAST(EXTRACT(epoch
  FROM fact_critical_result.identified_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) + fact_critical_result.limit_min) THEN 1 END) AS n, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) < CAST(EXTRACT(epoch
  FROM fact_critical_result.identified_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) + fact_critical_result.limit_min) THEN 1 END) AS open, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= CAST(EXTRACT(epoch
  FROM fact_critical_result.identified_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) + fact_critical_result.limit_min
  AND fact_critical_result.communicated_at IS NOT NULL
  AND fact_critical_result.communicated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND CAST(EXTRACT(epoch
  FROM fact_critical_result.communicated_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) <= CAST(EXTRACT(epoch
  FROM fact_critical_result.identified_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) + fact_critical_result.limit_min) THEN 1 END) AS met_share
  FROM fact_critical_result
  WHERE fact_critical_result.identified_at IS NOT NULL
  AND fact_critical_result.identified_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_critical_result.site_code IN ('NORTH')
  AND fact_critical_result.local_date >= '2026-09-01'
  AND fact_critical_result.local_date < '2026-10-01'
  AND fact_critical_result.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
