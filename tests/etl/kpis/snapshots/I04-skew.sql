-- duckdb
SELECT coalesce(fact_clock.scanner_code, 'unknown') AS k_scanner, count(*) AS n, count(CASE
  WHEN (abs(fact_clock.offset_min) IS NOT NULL
  AND abs(fact_clock.offset_min) >= 0) THEN abs(fact_clock.offset_min) END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, max(CASE
  WHEN (abs(fact_clock.offset_min) IS NOT NULL
  AND abs(fact_clock.offset_min) >= 0) THEN abs(fact_clock.offset_min) END) AS max
  FROM fact_clock
  WHERE fact_clock.site_code IN ('NORTH')
  AND fact_clock.site_code IN ('NORTH')
  GROUP BY k_scanner
  ORDER BY k_scanner

-- postgresql
SELECT coalesce(fact_clock.scanner_code, 'unknown') AS k_scanner, count(*) AS n, count(CASE
  WHEN (abs(fact_clock.offset_min) IS NOT NULL
  AND abs(fact_clock.offset_min) >= 0) THEN abs(fact_clock.offset_min) END) AS basis, count(CASE
  WHEN false THEN 1 END) AS open, max(CASE
  WHEN (abs(fact_clock.offset_min) IS NOT NULL
  AND abs(fact_clock.offset_min) >= 0) THEN abs(fact_clock.offset_min) END) AS max
  FROM fact_clock
  WHERE fact_clock.site_code IN ('NORTH')
  AND fact_clock.site_code IN ('NORTH')
  GROUP BY k_scanner
  ORDER BY k_scanner
