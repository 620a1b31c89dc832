-- duckdb
SELECT coalesce(fact_prior.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_prior.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, CASE
  WHEN (fact_prior.prior_transfer_min IS NOT NULL
  AND fact_prior.prior_transfer_min >= 0
  AND fact_prior.prior_available_at IS NOT NULL
  AND fact_prior.prior_available_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 'closed'
  WHEN (fact_prior.prior_requested_at IS NOT NULL
  AND fact_prior.prior_requested_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_prior.prior_available_at IS NULL
  OR fact_prior.prior_available_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_prior.read_began_at IS NULL
  OR fact_prior.read_began_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 'open'
  ELSE 'missing' END AS k_state, CASE
  WHEN (fact_prior.prior_transfer_min IS NOT NULL
  AND fact_prior.prior_transfer_min >= 0
  AND fact_prior.prior_available_at IS NOT NULL
  AND fact_prior.prior_available_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_prior.prior_transfer_min
  WHEN (fact_prior.prior_requested_at IS NOT NULL
  AND fact_prior.prior_requested_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_prior.prior_available_at IS NULL
  OR fact_prior.prior_available_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_prior.read_began_at IS NULL
  OR fact_prior.read_began_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_prior.prior_requested_at) AS DOUBLE PRECISION) / 60.0 END AS k_duration, count(*) AS items
  FROM fact_prior
  WHERE fact_prior.prior_requested_at IS NOT NULL
  AND fact_prior.exam_end_at IS NOT NULL
  AND fact_prior.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_prior.site_code IN ('NORTH')
  AND fact_prior.local_date >= '2026-09-01'
  AND fact_prior.local_date < '2026-10-01'
  AND (fact_prior.prior_requested_at IS NULL
  OR fact_prior.prior_requested_at IS NOT NULL
  AND fact_prior.prior_requested_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_prior.prior_available_at IS NOT NULL
  AND fact_prior.prior_available_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_prior.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month, k_state, k_duration

-- postgresql
SELECT coalesce(fact_prior.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_prior.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, CASE
  WHEN (fact_prior.prior_transfer_min IS NOT NULL
  AND fact_prior.prior_transfer_min >= 0
  AND fact_prior.prior_available_at IS NOT NULL
  AND fact_prior.prior_available_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 'closed'
  WHEN (fact_prior.prior_requested_at IS NOT NULL
  AND fact_prior.prior_requested_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_prior.prior_available_at IS NULL
  OR fact_prior.prior_available_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_prior.read_began_at IS NULL
  OR fact_prior.read_began_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 'open'
  ELSE 'missing' END AS k_state, CASE
  WHEN (fact_prior.prior_transfer_min IS NOT NULL
  AND fact_prior.prior_transfer_min >= 0
  AND fact_prior.prior_available_at IS NOT NULL
  AND fact_prior.prior_available_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN fact_prior.prior_transfer_min
  WHEN (fact_prior.prior_requested_at IS NOT NULL
  AND fact_prior.prior_requested_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_prior.prior_available_at IS NULL
  OR fact_prior.prior_available_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_prior.read_began_at IS NULL
  OR fact_prior.read_began_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_prior.prior_requested_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) END AS k_duration, count(*) AS items
  FROM fact_prior
  WHERE fact_prior.prior_requested_at IS NOT NULL
  AND fact_prior.exam_end_at IS NOT NULL
  AND fact_prior.exam_end_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_prior.site_code IN ('NORTH')
  AND fact_prior.local_date >= '2026-09-01'
  AND fact_prior.local_date < '2026-10-01'
  AND (fact_prior.prior_requested_at IS NULL
  OR fact_prior.prior_requested_at IS NOT NULL
  AND fact_prior.prior_requested_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_prior.prior_available_at IS NOT NULL
  AND fact_prior.prior_available_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND fact_prior.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month, k_state, k_duration
