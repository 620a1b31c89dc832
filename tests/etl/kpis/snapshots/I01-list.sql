-- duckdb
SELECT coalesce(fact_storage_day.modality, 'unknown') AS k_modality, CAST(date_trunc('month', CAST(fact_storage_day.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_storage_day.added_bytes / 1000000000.0 IS NOT NULL) THEN fact_storage_day.added_bytes / 1000000000.0 END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, CAST(sum(CAST(CASE
  WHEN (fact_storage_day.added_bytes / 1000000000.0 IS NOT NULL) THEN fact_storage_day.added_bytes / 1000000000.0 END AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS sum
  FROM fact_storage_day
  WHERE fact_storage_day.origin = 'list'
  AND fact_storage_day.site_code IN ('NORTH')
  AND fact_storage_day.local_date >= '2026-09-01'
  AND fact_storage_day.local_date < '2026-10-01'
  AND fact_storage_day.site_code IN ('NORTH')
  GROUP BY k_modality, k_month
  ORDER BY k_modality, k_month

-- postgresql
SELECT coalesce(fact_storage_day.modality, 'unknown') AS k_modality, CAST(date_trunc('month', CAST(fact_storage_day.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_storage_day.added_bytes / CAST(1000000000.0 AS DOUBLE PRECISION) IS NOT NULL) THEN fact_storage_day.added_bytes / CAST(1000000000.0 AS DOUBLE PRECISION) END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, CAST(sum(CAST(CASE
  WHEN (fact_storage_day.added_bytes / CAST(1000000000.0 AS DOUBLE PRECISION) IS NOT NULL) THEN fact_storage_day.added_bytes / CAST(1000000000.0 AS DOUBLE PRECISION) END AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS sum
  FROM fact_storage_day
  WHERE fact_storage_day.origin = 'list'
  AND fact_storage_day.site_code IN ('NORTH')
  AND fact_storage_day.local_date >= '2026-09-01'
  AND fact_storage_day.local_date < '2026-10-01'
  AND fact_storage_day.site_code IN ('NORTH')
  GROUP BY k_modality, k_month
  ORDER BY k_modality, k_month
