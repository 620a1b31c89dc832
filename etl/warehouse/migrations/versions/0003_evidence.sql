-- What each site's feeds tell at all, frozen. Runs on DuckDB and PostgreSQL.
CREATE TABLE fact_evidence (
    site_code VARCHAR(64),
    what VARCHAR(64),
    n BIGINT,
    first_at TIMESTAMP WITHOUT TIME ZONE,
    last_at TIMESTAMP WITHOUT TIME ZONE
);
COMMENT ON TABLE fact_evidence IS 'One row a site and kind of happening that any of its feeds tells.';
COMMENT ON COLUMN fact_evidence.site_code IS 'site';
COMMENT ON COLUMN fact_evidence.what IS 'event type, entry.<kind>, opening.<kind>, series, dose_report, dose_image; reference.<kind>, level.<kind>';
COMMENT ON COLUMN fact_evidence.n IS 'events of it held';
COMMENT ON COLUMN fact_evidence.first_at IS 'earliest of them';
COMMENT ON COLUMN fact_evidence.last_at IS 'latest of them';
