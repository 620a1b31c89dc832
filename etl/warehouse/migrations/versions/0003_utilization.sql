-- What variants of utilization are made of, gaps between visits. Runs on DuckDB and PostgreSQL.
ALTER TABLE fact_visit ADD COLUMN acquired_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_visit.acquired_min IS 'U07: union of its series inside it; NULL where a series does not tell how long it took';
ALTER TABLE fact_visit ADD COLUMN hour_at TIMESTAMP WITHOUT TIME ZONE;
COMMENT ON COLUMN fact_visit.hour_at IS 'start of the site-local hour of begin, UTC';
ALTER TABLE fact_scanner_hour ADD COLUMN room_before_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_scanner_hour.room_before_min IS 'table minutes widened by the buffer before alone, inside operating time';
ALTER TABLE fact_scanner_hour ADD COLUMN used_booked_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_scanner_hour.used_booked_min IS 'table minutes inside operating time that were booked too';
ALTER TABLE fact_scanner_hour ADD COLUMN summed_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_scanner_hour.summed_min IS 'visit minutes, inside and outside operating time, overlapping visits counted each';
ALTER TABLE fact_scanner_hour ADD COLUMN begun_scan_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_scanner_hour.begun_scan_min IS 'minutes of visits begun in the hour, whole';
ALTER TABLE fact_scanner_hour ADD COLUMN turnover_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_scanner_hour.turnover_min IS 'turnover gaps before visits begun in the hour';
ALTER TABLE fact_scanner_hour ADD COLUMN turnovers INTEGER;
COMMENT ON COLUMN fact_scanner_hour.turnovers IS 'number of these gaps';
ALTER TABLE fact_scanner_hour ADD COLUMN imaged_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_scanner_hour.imaged_min IS 'minutes of ended visits begun in the hour whose series tell how long they took';
ALTER TABLE fact_scanner_hour ADD COLUMN acquired_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_scanner_hour.acquired_min IS 'of these under acquisition (U07)';
CREATE TABLE fact_scanner_time (
    site_code VARCHAR(64),
    scanner_code VARCHAR(64),
    modality VARCHAR(64),
    hour_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    local_hour INTEGER,
    shift VARCHAR(64),
    clock_min DOUBLE PRECISION,
    week_50h_min DOUBLE PRECISION,
    stated_min DOUBLE PRECISION,
    scheduled_open_min DOUBLE PRECISION,
    operating_min DOUBLE PRECISION,
    table_min DOUBLE PRECISION,
    room_min DOUBLE PRECISION,
    booked_min DOUBLE PRECISION,
    after_hours_min DOUBLE PRECISION,
    begun_visits INTEGER,
    room_before_min DOUBLE PRECISION,
    used_booked_min DOUBLE PRECISION,
    summed_min DOUBLE PRECISION,
    begun_scan_min DOUBLE PRECISION,
    turnover_min DOUBLE PRECISION,
    turnovers INTEGER,
    imaged_min DOUBLE PRECISION,
    acquired_min DOUBLE PRECISION
);
COMMENT ON TABLE fact_scanner_time IS 'One row a scanner and hour of the clock from its first to its last operating day, open or not.';
COMMENT ON COLUMN fact_scanner_time.site_code IS 'site';
COMMENT ON COLUMN fact_scanner_time.scanner_code IS 'scanner';
COMMENT ON COLUMN fact_scanner_time.modality IS 'modality';
COMMENT ON COLUMN fact_scanner_time.hour_at IS 'start of the hour, UTC (a repeated local hour has two rows)';
COMMENT ON COLUMN fact_scanner_time.local_date IS 'site-local';
COMMENT ON COLUMN fact_scanner_time.local_hour IS 'site-local, 0-23';
COMMENT ON COLUMN fact_scanner_time.shift IS 'day, evening, night, weekend';
COMMENT ON COLUMN fact_scanner_time.clock_min IS 'length of the hour by the clock: 60 unless the zone''s offset changes in it';
COMMENT ON COLUMN fact_scanner_time.week_50h_min IS 'its part of 50 hours a week, a seventh for each local day';
COMMENT ON COLUMN fact_scanner_time.stated_min IS 'its part of the hours a day stated for the scanner, else its open minutes';
COMMENT ON COLUMN fact_scanner_time.scheduled_open_min IS 'open minus closures, downtime not subtracted';
COMMENT ON COLUMN fact_scanner_time.operating_min IS 'open minus closures and downtime';
COMMENT ON COLUMN fact_scanner_time.table_min IS 'union of exam intervals inside operating time';
COMMENT ON COLUMN fact_scanner_time.room_min IS 'the same with buffers';
COMMENT ON COLUMN fact_scanner_time.booked_min IS 'union of booked appointments inside operating time';
COMMENT ON COLUMN fact_scanner_time.after_hours_min IS 'exam minutes outside operating time';
COMMENT ON COLUMN fact_scanner_time.begun_visits IS 'visits begun in the hour';
COMMENT ON COLUMN fact_scanner_time.room_before_min IS 'table minutes widened by the buffer before alone, inside operating time';
COMMENT ON COLUMN fact_scanner_time.used_booked_min IS 'table minutes inside operating time that were booked too';
COMMENT ON COLUMN fact_scanner_time.summed_min IS 'visit minutes, inside and outside operating time, overlapping visits counted each';
COMMENT ON COLUMN fact_scanner_time.begun_scan_min IS 'minutes of visits begun in the hour, whole';
COMMENT ON COLUMN fact_scanner_time.turnover_min IS 'turnover gaps before visits begun in the hour';
COMMENT ON COLUMN fact_scanner_time.turnovers IS 'number of these gaps';
COMMENT ON COLUMN fact_scanner_time.imaged_min IS 'minutes of ended visits begun in the hour whose series tell how long they took';
COMMENT ON COLUMN fact_scanner_time.acquired_min IS 'of these under acquisition (U07)';
CREATE TABLE fact_gap (
    site_code VARCHAR(64),
    scanner_code VARCHAR(64),
    modality VARCHAR(64),
    shift VARCHAR(64),
    begin_at TIMESTAMP WITHOUT TIME ZONE,
    end_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    local_hour INTEGER,
    kind VARCHAR(64),
    gap_min DOUBLE PRECISION,
    idle_min DOUBLE PRECISION,
    longest_min DOUBLE PRECISION,
    slot_min DOUBLE PRECISION,
    turnover_min DOUBLE PRECISION,
    is_usable BOOLEAN
);
COMMENT ON TABLE fact_gap IS 'One row a gap between two visits on the same scanner and local day.';
COMMENT ON COLUMN fact_gap.site_code IS 'site';
COMMENT ON COLUMN fact_gap.scanner_code IS 'scanner';
COMMENT ON COLUMN fact_gap.modality IS 'modality';
COMMENT ON COLUMN fact_gap.shift IS 'of the next visit''s begin';
COMMENT ON COLUMN fact_gap.begin_at IS 'end of the visit before';
COMMENT ON COLUMN fact_gap.end_at IS 'begin of the next visit';
COMMENT ON COLUMN fact_gap.local_date IS 'of the next visit''s begin';
COMMENT ON COLUMN fact_gap.local_hour IS 'of the next visit''s begin';
COMMENT ON COLUMN fact_gap.kind IS 'turnover (up to the cap), idle';
COMMENT ON COLUMN fact_gap.gap_min IS 'minutes between the visits';
COMMENT ON COLUMN fact_gap.idle_min IS 'of an idle gap, inside operating time';
COMMENT ON COLUMN fact_gap.longest_min IS 'longest stretch of it inside operating time';
COMMENT ON COLUMN fact_gap.slot_min IS 'the scanner''s most frequent slot length; NULL: it has no slots';
COMMENT ON COLUMN fact_gap.turnover_min IS 'the scanner''s median turnover; nought: unknown';
COMMENT ON COLUMN fact_gap.is_usable IS 'an idle gap whose longest stretch holds a slot and a turnover';
CREATE TABLE fact_reader_hour (
    site_code VARCHAR(64),
    hour_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    local_hour INTEGER,
    shift VARCHAR(64),
    rostered_reader VARCHAR(64),
    rostered_min DOUBLE PRECISION,
    finals INTEGER,
    finals_off INTEGER,
    wrvu DOUBLE PRECISION
);
COMMENT ON TABLE fact_reader_hour IS 'One row a site and hour in which readers were rostered or signed: the group as one unless a site opts in.';
COMMENT ON COLUMN fact_reader_hour.site_code IS 'site whose roster it is';
COMMENT ON COLUMN fact_reader_hour.hour_at IS 'start of the site-local hour, UTC';
COMMENT ON COLUMN fact_reader_hour.local_date IS 'site-local';
COMMENT ON COLUMN fact_reader_hour.local_hour IS 'site-local, 0-23';
COMMENT ON COLUMN fact_reader_hour.shift IS 'day, evening, night, weekend';
COMMENT ON COLUMN fact_reader_hour.rostered_reader IS 'pseudonym where the site shows individuals, else: all readers';
COMMENT ON COLUMN fact_reader_hour.rostered_min IS 'rostered minutes of reading people';
COMMENT ON COLUMN fact_reader_hour.finals IS 'first finals signed by them while on the roster';
COMMENT ON COLUMN fact_reader_hour.finals_off IS 'signed by them while not on the roster';
COMMENT ON COLUMN fact_reader_hour.wrvu IS 'work units of the finals signed while on the roster, by the site''s own table';
CREATE TABLE fact_exam_value (
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
    exam_end_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    local_hour INTEGER,
    wrvu DOUBLE PRECISION,
    money DOUBLE PRECISION
);
COMMENT ON TABLE fact_exam_value IS 'One row a performed exam of a site that loaded a table of costs or work units.';
COMMENT ON COLUMN fact_exam_value.exam_key IS 'exam';
COMMENT ON COLUMN fact_exam_value.site_code IS 'site';
COMMENT ON COLUMN fact_exam_value.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_exam_value.modality IS 'canonical modality';
COMMENT ON COLUMN fact_exam_value.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_exam_value.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_exam_value.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_exam_value.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_exam_value.section IS 'reading section';
COMMENT ON COLUMN fact_exam_value.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_exam_value.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_exam_value.exam_end_at IS 'end of the exam: what the table says of that day counts';
COMMENT ON COLUMN fact_exam_value.local_date IS 'of exam end';
COMMENT ON COLUMN fact_exam_value.local_hour IS 'of exam end';
COMMENT ON COLUMN fact_exam_value.wrvu IS 'work units of the site''s own table; NULL: it has no row for this exam';
COMMENT ON COLUMN fact_exam_value.money IS 'money of the site''s own table, in its most frequent currency';
