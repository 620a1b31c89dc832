-- duckdb
SELECT coalesce(fact_reader_hour.shift, 'unknown') AS k_shift, CAST(date_trunc('month', CAST(fact_reader_hour.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, CAST(sum(CAST(fact_reader_hour.finals AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS numerator, CAST(sum(CAST(fact_reader_hour.rostered_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS available, CAST(sum(CAST(fact_reader_hour.finals_off AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS off_roster
  FROM fact_reader_hour
  WHERE (fact_reader_hour.rostered_min > 0
  OR fact_reader_hour.finals_off > 0)
  AND fact_reader_hour.site_code IN ('NORTH')
  AND fact_reader_hour.local_date >= '2026-09-01'
  AND fact_reader_hour.local_date < '2026-10-01'
  AND fact_reader_hour.hour_at <= CAST('2026-09-08 17:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_reader_hour.site_code IN ('NORTH')
  GROUP BY k_shift, k_month
  ORDER BY k_shift, k_month

-- postgresql
SELECT coalesce(fact_reader_hour.shift, 'unknown') AS k_shift, CAST(date_trunc('month', CAST(fact_reader_hour.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, CAST(sum(CAST(fact_reader_hour.finals AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS numerator, CAST(sum(CAST(fact_reader_hour.rostered_min AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS available, CAST(sum(CAST(fact_reader_hour.finals_off AS NUMERIC(24, 9))) AS DOUBLE PRECISION) AS off_roster
  FROM fact_reader_hour
  WHERE (fact_reader_hour.rostered_min > 0
  OR fact_reader_hour.finals_off > 0)
  AND fact_reader_hour.site_code IN ('NORTH')
  AND fact_reader_hour.local_date >= '2026-09-01'
  AND fact_reader_hour.local_date < '2026-10-01'
  AND fact_reader_hour.hour_at <= CAST('2026-09-08 17:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_reader_hour.site_code IN ('NORTH')
  GROUP BY k_shift, k_month
  ORDER BY k_shift, k_month
