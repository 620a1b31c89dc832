-- duckdb
SELECT coalesce(fact_followup.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_followup.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_followup.scheduled_at IS NOT NULL
  AND fact_followup.scheduled_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_followup.completed_at IS NOT NULL
  AND fact_followup.completed_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 1 END) AS n_booked, count(CASE
  WHEN (fact_followup.dismissed_at IS NOT NULL
  AND fact_followup.dismissed_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_followup.completed_at IS NULL
  OR fact_followup.completed_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 1 END) AS n_dismissed, count(CASE
  WHEN (fact_followup.deadline_at IS NOT NULL
  AND fact_followup.deadline_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_followup.completed_at IS NULL
  OR fact_followup.completed_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_followup.dismissed_at IS NULL
  OR fact_followup.dismissed_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 1 END) AS n_overdue, count(CASE
  WHEN (fact_followup.completed_at IS NOT NULL
  AND fact_followup.completed_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 1 END) AS n_done
  FROM fact_followup
  WHERE fact_followup.recommended_at IS NOT NULL
  AND fact_followup.recommended_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_followup.site_code IN ('NORTH')
  AND fact_followup.local_date >= '2026-09-01'
  AND fact_followup.local_date < '2026-10-01'
  AND fact_followup.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month

-- postgresql
SELECT coalesce(fact_followup.scanner_code, 'unknown') AS k_scanner, CAST(date_trunc('month', CAST(fact_followup.local_date AS TIMESTAMP WITHOUT TIME ZONE)) AS DATE) AS k_month, count(*) AS n, count(CASE
  WHEN (fact_followup.scheduled_at IS NOT NULL
  AND fact_followup.scheduled_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  OR fact_followup.completed_at IS NOT NULL
  AND fact_followup.completed_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 1 END) AS n_booked, count(CASE
  WHEN (fact_followup.dismissed_at IS NOT NULL
  AND fact_followup.dismissed_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_followup.completed_at IS NULL
  OR fact_followup.completed_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 1 END) AS n_dismissed, count(CASE
  WHEN (fact_followup.deadline_at IS NOT NULL
  AND fact_followup.deadline_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND (fact_followup.completed_at IS NULL
  OR fact_followup.completed_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))
  AND (fact_followup.dismissed_at IS NULL
  OR fact_followup.dismissed_at > CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE))) THEN 1 END) AS n_overdue, count(CASE
  WHEN (fact_followup.completed_at IS NOT NULL
  AND fact_followup.completed_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)) THEN 1 END) AS n_done
  FROM fact_followup
  WHERE fact_followup.recommended_at IS NOT NULL
  AND fact_followup.recommended_at <= CAST('2026-09-08 18:00:00' AS TIMESTAMP WITHOUT TIME ZONE)
  AND fact_followup.site_code IN ('NORTH')
  AND fact_followup.local_date >= '2026-09-01'
  AND fact_followup.local_date < '2026-10-01'
  AND fact_followup.site_code IN ('NORTH')
  GROUP BY k_scanner, k_month
  ORDER BY k_scanner, k_month
