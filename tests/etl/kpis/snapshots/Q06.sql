-- duckdb
SELECT coalesce(fact_reject.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_reject.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, sum(fact_reject.exposures) AS items, sum(fact_reject.exposures) AS n, 0 AS open, sum(fact_reject.rejected) AS met_share
  FROM fact_reject
  WHERE fact_reject.exposures IS NOT NULL
  AND fact_reject.site_code IN ('NORTH')
  AND fact_reject.local_date >= '2026-09-01'
  AND fact_reject.local_date < '2026-10-01'
  AND fact_reject.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_reject.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_reject.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, sum(fact_reject.exposures) AS items, sum(fact_reject.exposures) AS n, 0 AS open, sum(fact_reject.rejected) AS met_share
  FROM fact_reject
  WHERE fact_reject.exposures IS NOT NULL
  AND fact_reject.site_code IN ('NORTH')
  AND fact_reject.local_date >= '2026-09-01'
  AND fact_reject.local_date < '2026-10-01'
  AND fact_reject.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
