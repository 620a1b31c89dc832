-- The archive's transfers, growth and volumes, frozen. Runs on DuckDB and PostgreSQL.
CREATE TABLE fact_transmission (
    event_id VARCHAR(32),
    exam_key BIGINT,
    site_code VARCHAR(64),
    scanner_code VARCHAR(64),
    modality VARCHAR(64),
    procedure_code VARCHAR(128),
    procedure_group VARCHAR(64),
    priority VARCHAR(64),
    patient_class VARCHAR(64),
    section VARCHAR(64),
    shift VARCHAR(64),
    reader_mode VARCHAR(64),
    direction VARCHAR(64),
    first_stored_at TIMESTAMP WITHOUT TIME ZONE,
    last_stored_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    local_hour INTEGER,
    size_bytes BIGINT,
    instances BIGINT,
    span_min DOUBLE PRECISION,
    mb_per_s DOUBLE PRECISION
);
COMMENT ON TABLE fact_transmission IS 'One row a study''s way into the archive (or a prior''s out of it).';
COMMENT ON COLUMN fact_transmission.event_id IS 'row of the archive''s log';
COMMENT ON COLUMN fact_transmission.exam_key IS 'exam; 0 where unmatched';
COMMENT ON COLUMN fact_transmission.site_code IS 'site';
COMMENT ON COLUMN fact_transmission.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_transmission.modality IS 'canonical modality';
COMMENT ON COLUMN fact_transmission.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_transmission.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_transmission.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_transmission.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_transmission.section IS 'reading section';
COMMENT ON COLUMN fact_transmission.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_transmission.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_transmission.direction IS 'store, or what else the log names: prefetch';
COMMENT ON COLUMN fact_transmission.first_stored_at IS 'first instance in the archive';
COMMENT ON COLUMN fact_transmission.last_stored_at IS 'last instance in the archive';
COMMENT ON COLUMN fact_transmission.local_date IS 'of the first';
COMMENT ON COLUMN fact_transmission.local_hour IS 'of the first';
COMMENT ON COLUMN fact_transmission.size_bytes IS 'bytes moved';
COMMENT ON COLUMN fact_transmission.instances IS 'instances moved';
COMMENT ON COLUMN fact_transmission.span_min IS 'I02: last - first';
COMMENT ON COLUMN fact_transmission.mb_per_s IS 'I02: megabytes (10^6) a second; NULL where all came within a second';
CREATE TABLE fact_storage_day (
    site_code VARCHAR(64),
    modality VARCHAR(64),
    scanner_code VARCHAR(64),
    origin VARCHAR(64),
    volume VARCHAR(64),
    local_date DATE,
    added_bytes DOUBLE PRECISION,
    held_bytes DOUBLE PRECISION,
    capacity_bytes DOUBLE PRECISION,
    studies BIGINT
);
COMMENT ON TABLE fact_storage_day IS 'One row a site, volume or scanner, modality and day: bytes that came in and bytes held.';
COMMENT ON COLUMN fact_storage_day.site_code IS 'site';
COMMENT ON COLUMN fact_storage_day.modality IS 'modality';
COMMENT ON COLUMN fact_storage_day.scanner_code IS 'scanner; NULL in lists';
COMMENT ON COLUMN fact_storage_day.origin IS 'list (what the archive says it holds), transfer or series (what was seen to come in)';
COMMENT ON COLUMN fact_storage_day.volume IS 'volume of the list, '''' otherwise';
COMMENT ON COLUMN fact_storage_day.local_date IS 'day, of the site; of lists the one the measure ends';
COMMENT ON COLUMN fact_storage_day.added_bytes IS 'I01: came in this day, or held more than at the measure before';
COMMENT ON COLUMN fact_storage_day.held_bytes IS 'held at the day''s last measure, lists only';
COMMENT ON COLUMN fact_storage_day.capacity_bytes IS 'of the volume, lists only';
COMMENT ON COLUMN fact_storage_day.studies IS 'studies that came in, or held';
CREATE TABLE fact_storage_volume (
    site_code VARCHAR(64),
    volume VARCHAR(64),
    modality VARCHAR(64),
    origin VARCHAR(64),
    local_date DATE,
    days INTEGER,
    held_bytes DOUBLE PRECISION,
    capacity_bytes DOUBLE PRECISION,
    bytes_per_day DOUBLE PRECISION,
    slowest_week_per_day DOUBLE PRECISION,
    fastest_week_per_day DOUBLE PRECISION,
    days_to_full DOUBLE PRECISION,
    days_to_full_low DOUBLE PRECISION,
    days_to_full_high DOUBLE PRECISION
);
COMMENT ON TABLE fact_storage_volume IS 'One row a volume (and modality): its growth now and when it will be full.';
COMMENT ON COLUMN fact_storage_volume.site_code IS 'site';
COMMENT ON COLUMN fact_storage_volume.volume IS 'volume; '''' where only what comes in is known';
COMMENT ON COLUMN fact_storage_volume.modality IS 'NULL: all together';
COMMENT ON COLUMN fact_storage_volume.origin IS 'list, transfer or series';
COMMENT ON COLUMN fact_storage_volume.local_date IS 'last day used';
COMMENT ON COLUMN fact_storage_volume.days IS 'days used';
COMMENT ON COLUMN fact_storage_volume.held_bytes IS 'held at last';
COMMENT ON COLUMN fact_storage_volume.capacity_bytes IS 'capacity; NULL for a modality';
COMMENT ON COLUMN fact_storage_volume.bytes_per_day IS 'I01: robust slope (Theil-Sen) of the last 30 days';
COMMENT ON COLUMN fact_storage_volume.slowest_week_per_day IS 'growth a day of the slowest seven days among them';
COMMENT ON COLUMN fact_storage_volume.fastest_week_per_day IS 'growth a day of the fastest seven days among them';
COMMENT ON COLUMN fact_storage_volume.days_to_full IS 'I01: free bytes over the slope; NULL where it does not fill';
COMMENT ON COLUMN fact_storage_volume.days_to_full_low IS 'at the fastest week''s pace';
COMMENT ON COLUMN fact_storage_volume.days_to_full_high IS 'at the slowest week''s pace; NULL where that week did not grow';
