-- duckdb
SELECT coalesce(fact_reject.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_reject.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_reject.rejected IS NOT NULL
  AND fact_reject.rejected >= 0) THEN fact_reject.rejected END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, CAST(sum(CAST(CASE
  WHEN (fact_reject.rejected IS NOT NULL
  AND fact_reject.rejected >= 0) THEN fact_reject.rejected END AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS sum
  FROM fact_reject
  WHERE fact_reject.rejected > 0
  AND fact_reject.site_code IN ('NORTH')
  AND fact_reject.local_date >= '2026-09-01'
  AND fact_reject.local_date < '2026-10-01'
  AND fact_reject.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_reject.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_reject.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_reject.rejected IS NOT NULL
  AND fact_reject.rejected >= 0) THEN fact_reject.rejected END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, CAST(sum(CAST(CASE
  WHEN (fact_reject.rejected IS NOT NULL
  AND fact_reject.rejected >= 0) THEN fact_reject.rejected END AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS sum
  FROM fact_reject
  WHERE fact_reject.rejected > 0
  AND fact_reject.site_code IN ('NORTH')
  AND fact_reject.local_date >= '2026-09-01'
  AND fact_reject.local_date < '2026-10-01'
  AND fact_reject.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
