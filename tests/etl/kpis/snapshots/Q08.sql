-- duckdb
SELECT coalesce(fact_quality.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_quality.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_quality.exam_end_at) AS DOUBLE PRECISION) / 60.0 >= 10080) THEN 1 END) AS n, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_quality.exam_end_at) AS DOUBLE PRECISION) / 60.0 < 10080) THEN 1 END) AS open, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_quality.exam_end_at) AS DOUBLE PRECISION) / 60.0 >= 10080
  AND fact_quality.redone_at IS NOT NULL
  AND fact_quality.redone_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 1 END) AS met_share, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / 60.0 - CAST(EXTRACT(epoch
  FROM fact_quality.exam_end_at) AS DOUBLE PRECISION) / 60.0 >= 10080
  AND fact_quality.qc_reject_at IS NOT NULL
  AND fact_quality.qc_reject_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 1 END) AS met_refused
  FROM fact_quality
  WHERE fact_quality.exams = 1
  AND fact_quality.site_code IN ('NORTH')
  AND fact_quality.local_date >= '2026-09-01'
  AND fact_quality.local_date < '2026-10-01'
  AND fact_quality.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_quality.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_quality.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_quality.exam_end_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 10080) THEN 1 END) AS n, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_quality.exam_end_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) < 10080) THEN 1 END) AS open, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_quality.exam_end_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 10080
  AND fact_quality.redone_at IS NOT NULL
  AND fact_quality.redone_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 1 END) AS met_share, count(CASE
  WHEN (CAST(EXTRACT(epoch
  FROM CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) - CAST(EXTRACT(epoch
  FROM fact_quality.exam_end_at) AS DOUBLE PRECISION) / CAST(60.0 AS DOUBLE PRECISION) >= 10080
  AND fact_quality.qc_reject_at IS NOT NULL
  AND fact_quality.qc_reject_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 1 END) AS met_refused
  FROM fact_quality
  WHERE fact_quality.exams = 1
  AND fact_quality.site_code IN ('NORTH')
  AND fact_quality.local_date >= '2026-09-01'
  AND fact_quality.local_date < '2026-10-01'
  AND fact_quality.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
