-- duckdb
SELECT coalesce(fact_completeness.modality, 'unknown') AS k_modality, CAST(date_trunc('month', CAST(fact_completeness.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, sum(fact_completeness.expected) AS items, sum(fact_completeness.expected) AS n, 0 AS open, sum(fact_completeness.expected - fact_completeness.present) AS met_share
  FROM fact_completeness
  WHERE (fact_completeness.milestone NOT IN ('first_prelim_at'))
  AND fact_completeness.site_code IN ('NORTH')
  AND fact_completeness.local_date >= '2026-09-01'
  AND fact_completeness.local_date < '2026-10-01'
  AND fact_completeness.site_code IN ('NORTH')
  GROUP BY k_modality, k_month
  ORDER BY k_modality, k_month

-- postgresql
SELECT coalesce(fact_completeness.modality, 'unknown') AS k_modality, CAST(date_trunc('month', CAST(fact_completeness.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, sum(fact_completeness.expected) AS items, sum(fact_completeness.expected) AS n, 0 AS open, sum(fact_completeness.expected - fact_completeness.present) AS met_share
  FROM fact_completeness
  WHERE (fact_completeness.milestone NOT IN ('first_prelim_at'))
  AND fact_completeness.site_code IN ('NORTH')
  AND fact_completeness.local_date >= '2026-09-01'
  AND fact_completeness.local_date < '2026-10-01'
  AND fact_completeness.site_code IN ('NORTH')
  GROUP BY k_modality, k_month
  ORDER BY k_modality, k_month
