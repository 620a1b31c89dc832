-- duckdb
SELECT coalesce(fact_demand_day.modality, 'unknown') AS k_modality, CAST(date_trunc('month', CAST(fact_demand_day.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, CAST(sum(CAST(fact_demand_day.backlog_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS numerator, CAST(sum(CAST(fact_demand_day.weekly_operating_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS available
  FROM fact_demand_day
  WHERE fact_demand_day.weekly_operating_min > 0
  AND fact_demand_day.site_code IN ('NORTH')
  AND fact_demand_day.local_date >= '2026-09-01'
  AND fact_demand_day.local_date < '2026-10-01'
  AND fact_demand_day.end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_demand_day.site_code IN ('NORTH')
  GROUP BY k_modality, k_month
  ORDER BY k_modality, k_month

-- postgresql
SELECT coalesce(fact_demand_day.modality, 'unknown') AS k_modality, CAST(date_trunc('month', CAST(fact_demand_day.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, CAST(sum(CAST(fact_demand_day.backlog_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS numerator, CAST(sum(CAST(fact_demand_day.weekly_operating_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS available
  FROM fact_demand_day
  WHERE fact_demand_day.weekly_operating_min > 0
  AND fact_demand_day.site_code IN ('NORTH')
  AND fact_demand_day.local_date >= '2026-09-01'
  AND fact_demand_day.local_date < '2026-10-01'
  AND fact_demand_day.end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_demand_day.site_code IN ('NORTH')
  GROUP BY k_modality, k_month
  ORDER BY k_modality, k_month
