-- duckdb
SELECT count(*) AS n, count(CASE
  WHEN (fact_storage_volume.days_to_full IS NOT NULL
  AND fact_storage_volume.days_to_full >= 0) THEN fact_storage_volume.days_to_full END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, min(CASE
  WHEN (fact_storage_volume.days_to_full IS NOT NULL
  AND fact_storage_volume.days_to_full >= 0) THEN fact_storage_volume.days_to_full END) AS min, min(fact_storage_volume.days_to_full_low) AS earliest, min(fact_storage_volume.days_to_full_high) AS latest
  FROM fact_storage_volume
  WHERE fact_storage_volume.origin = 'list'
  AND fact_storage_volume.modality IS NULL
  AND fact_storage_volume.site_code IN ('NORTH')
  AND fact_storage_volume.site_code IN ('NORTH')

-- postgresql
SELECT count(*) AS n, count(CASE
  WHEN (fact_storage_volume.days_to_full IS NOT NULL
  AND fact_storage_volume.days_to_full >= 0) THEN fact_storage_volume.days_to_full END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, min(CASE
  WHEN (fact_storage_volume.days_to_full IS NOT NULL
  AND fact_storage_volume.days_to_full >= 0) THEN fact_storage_volume.days_to_full END) AS min, min(fact_storage_volume.days_to_full_low) AS earliest, min(fact_storage_volume.days_to_full_high) AS latest
  FROM fact_storage_volume
  WHERE fact_storage_volume.origin = 'list'
  AND fact_storage_volume.modality IS NULL
  AND fact_storage_volume.site_code IN ('NORTH')
  AND fact_storage_volume.site_code IN ('NORTH')
