-- duckdb
SELECT coalesce(fact_peer_review.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_peer_review.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_peer_review.score IS NOT NULL) THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_peer_review.score IS NOT NULL
  AND fact_peer_review.score >= 2) THEN 1 END) AS met_share, count(CASE
  WHEN (fact_peer_review.score IS NOT NULL
  AND fact_peer_review.is_significant IS true) THEN 1 END) AS met_significant, count(CASE
  WHEN (fact_peer_review.score IS NOT NULL
  AND fact_peer_review.score = 3) THEN 1 END) AS met_score_3
  FROM fact_peer_review
  WHERE fact_peer_review.reviewed_at IS NOT NULL
  AND fact_peer_review.reviewed_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_peer_review.site_code IN ('NORTH')
  AND fact_peer_review.local_date >= '2026-09-01'
  AND fact_peer_review.local_date < '2026-10-01'
  AND fact_peer_review.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_peer_review.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_peer_review.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS items, count(CASE
  WHEN (fact_peer_review.score IS NOT NULL) THEN 1 END) AS n, count(CASE
  WHEN false THEN 1 END) AS open, count(CASE
  WHEN (fact_peer_review.score IS NOT NULL
  AND fact_peer_review.score >= 2) THEN 1 END) AS met_share, count(CASE
  WHEN (fact_peer_review.score IS NOT NULL
  AND fact_peer_review.is_significant IS true) THEN 1 END) AS met_significant, count(CASE
  WHEN (fact_peer_review.score IS NOT NULL
  AND fact_peer_review.score = 3) THEN 1 END) AS met_score_3
  FROM fact_peer_review
  WHERE fact_peer_review.reviewed_at IS NOT NULL
  AND fact_peer_review.reviewed_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_peer_review.site_code IN ('NORTH')
  AND fact_peer_review.local_date >= '2026-09-01'
  AND fact_peer_review.local_date < '2026-10-01'
  AND fact_peer_review.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
