-- duckdb
SELECT coalesce(fact_prior.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_prior.order_local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_prior.rated_at IS NOT NULL
  AND fact_prior.rated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_prior.rated_at IS NOT NULL
  AND fact_prior.rated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_prior.rating = 'appropriate') THEN 1 END) AS met_share, count(CASE
  WHEN (fact_prior.rated_at IS NOT NULL
  AND fact_prior.rated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_prior.rating = 'may_be') THEN 1 END) AS met_may_be, count(CASE
  WHEN (fact_prior.rated_at IS NOT NULL
  AND fact_prior.rated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_prior.rating = 'rarely') THEN 1 END) AS met_rarely, count(CASE
  WHEN (fact_prior.rated_at IS NOT NULL
  AND fact_prior.rated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_prior.rating = 'none') THEN 1 END) AS met_none
  FROM fact_prior
  WHERE fact_prior.modality IN ('CT', 'MR', 'NM', 'PT')
  AND fact_prior.site_code IN ('NORTH')
  AND fact_prior.order_local_date >= '2026-09-01'
  AND fact_prior.order_local_date < '2026-10-01'
  AND fact_prior.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_prior.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_prior.order_local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_prior.rated_at IS NOT NULL
  AND fact_prior.rated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_prior.rated_at IS NOT NULL
  AND fact_prior.rated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_prior.rating = 'appropriate') THEN 1 END) AS met_share, count(CASE
  WHEN (fact_prior.rated_at IS NOT NULL
  AND fact_prior.rated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_prior.rating = 'may_be') THEN 1 END) AS met_may_be, count(CASE
  WHEN (fact_prior.rated_at IS NOT NULL
  AND fact_prior.rated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_prior.rating = 'rarely') THEN 1 END) AS met_rarely, count(CASE
  WHEN (fact_prior.rated_at IS NOT NULL
  AND fact_prior.rated_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_prior.rating = 'none') THEN 1 END) AS met_none
  FROM fact_prior
  WHERE fact_prior.modality IN ('CT', 'MR', 'NM', 'PT')
  AND fact_prior.site_code IN ('NORTH')
  AND fact_prior.order_local_date >= '2026-09-01'
  AND fact_prior.order_local_date < '2026-10-01'
  AND fact_prior.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
