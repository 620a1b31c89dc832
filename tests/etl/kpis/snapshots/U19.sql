-- duckdb
SELECT coalesce(fact_slot_supply.modality, 'unknown') AS k_modality, CAST(date_trunc('month', CAST(fact_slot_supply.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_slot_supply.third_days IS NOT NULL
  AND fact_slot_supply.third_days >= 0
  AND fact_slot_supply.snapshot_at IS NOT NULL
  AND fact_slot_supply.snapshot_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_slot_supply.third_days END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_slot_supply.third_days IS NOT NULL
  AND fact_slot_supply.third_days >= 0
  AND fact_slot_supply.snapshot_at IS NOT NULL
  AND fact_slot_supply.snapshot_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_slot_supply.third_days END) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_slot_supply.third_days IS NOT NULL
  AND fact_slot_supply.third_days >= 0
  AND fact_slot_supply.snapshot_at IS NOT NULL
  AND fact_slot_supply.snapshot_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_slot_supply.third_days END) AS p90, percentile_cont(0.5) WITHIN GROUP (ORDER BY fact_slot_supply.first_days) AS first_p50
  FROM fact_slot_supply
  WHERE fact_slot_supply.scope = 'modality'
  AND fact_slot_supply.snapshot_at IS NOT NULL
  AND fact_slot_supply.snapshot_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_slot_supply.site_code IN ('NORTH')
  AND fact_slot_supply.local_date >= '2026-09-01'
  AND fact_slot_supply.local_date < '2026-10-01'
  AND fact_slot_supply.site_code IN ('NORTH')
  GROUP BY k_modality, k_month
  ORDER BY k_modality, k_month

-- postgresql
SELECT coalesce(fact_slot_supply.modality, 'unknown') AS k_modality, CAST(date_trunc('month', CAST(fact_slot_supply.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_slot_supply.third_days IS NOT NULL
  AND fact_slot_supply.third_days >= 0
  AND fact_slot_supply.snapshot_at IS NOT NULL
  AND fact_slot_supply.snapshot_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_slot_supply.third_days END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_slot_supply.third_days IS NOT NULL
  AND fact_slot_supply.third_days >= 0
  AND fact_slot_supply.snapshot_at IS NOT NULL
  AND fact_slot_supply.snapshot_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_slot_supply.third_days END) AS p50, percentile_cont(0.9) WITHIN GROUP (ORDER BY CASE
  WHEN (fact_slot_supply.third_days IS NOT NULL
  AND fact_slot_supply.third_days >= 0
  AND fact_slot_supply.snapshot_at IS NOT NULL
  AND fact_slot_supply.snapshot_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_slot_supply.third_days END) AS p90, percentile_cont(0.5) WITHIN GROUP (ORDER BY fact_slot_supply.first_days) AS first_p50
  FROM fact_slot_supply
  WHERE fact_slot_supply.scope = 'modality'
  AND fact_slot_supply.snapshot_at IS NOT NULL
  AND fact_slot_supply.snapshot_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_slot_supply.site_code IN ('NORTH')
  AND fact_slot_supply.local_date >= '2026-09-01'
  AND fact_slot_supply.local_date < '2026-10-01'
  AND fact_slot_supply.site_code IN ('NORTH')
  GROUP BY k_modality, k_month
  ORDER BY k_modality, k_month
