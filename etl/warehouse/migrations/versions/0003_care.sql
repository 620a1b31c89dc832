-- Critical findings and follow-ups, frozen. Runs on DuckDB and PostgreSQL.
CREATE TABLE fact_critical_result (
    finding_key BIGINT,
    exam_key BIGINT,
    accession_token VARCHAR(32),
    patient_key BIGINT,
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
    critical_class VARCHAR(64),
    owner VARCHAR(32),
    identified_at TIMESTAMP WITHOUT TIME ZONE,
    notified_at TIMESTAMP WITHOUT TIME ZONE,
    acknowledged_at TIMESTAMP WITHOUT TIME ZONE,
    delegated_at TIMESTAMP WITHOUT TIME ZONE,
    closed_at TIMESTAMP WITHOUT TIME ZONE,
    communicated_at TIMESTAMP WITHOUT TIME ZONE,
    limit_min DOUBLE PRECISION,
    communicate_min DOUBLE PRECISION,
    close_min DOUBLE PRECISION,
    has_who BOOLEAN,
    has_whom BOOLEAN,
    has_when BOOLEAN,
    has_how BOOLEAN,
    has_read_back BOOLEAN,
    local_date DATE,
    local_hour INTEGER
);
COMMENT ON TABLE fact_critical_result IS 'One row a critical finding: exam and class.';
COMMENT ON COLUMN fact_critical_result.finding_key IS 'hash(exam, class)';
COMMENT ON COLUMN fact_critical_result.exam_key IS 'exam the finding was made on';
COMMENT ON COLUMN fact_critical_result.accession_token IS 'pseudonym to find the exam in the RIS with';
COMMENT ON COLUMN fact_critical_result.patient_key IS 'patient after merges';
COMMENT ON COLUMN fact_critical_result.site_code IS 'site';
COMMENT ON COLUMN fact_critical_result.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_critical_result.modality IS 'canonical modality';
COMMENT ON COLUMN fact_critical_result.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_critical_result.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_critical_result.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_critical_result.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_critical_result.section IS 'reading section';
COMMENT ON COLUMN fact_critical_result.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_critical_result.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_critical_result.critical_class IS '1 minutes, 2 hours, 3 days; NULL where no feed says';
COMMENT ON COLUMN fact_critical_result.owner IS 'pseudonym of who found it, else of the exam''s reader';
COMMENT ON COLUMN fact_critical_result.identified_at IS 'crit_identified';
COMMENT ON COLUMN fact_critical_result.notified_at IS 'crit_notified';
COMMENT ON COLUMN fact_critical_result.acknowledged_at IS 'crit_ack';
COMMENT ON COLUMN fact_critical_result.delegated_at IS 'crit_delegated';
COMMENT ON COLUMN fact_critical_result.closed_at IS 'crit_closed';
COMMENT ON COLUMN fact_critical_result.communicated_at IS 'first of notified, acknowledged and closed';
COMMENT ON COLUMN fact_critical_result.limit_min IS 'site''s target for the class, valid on the day it was identified; NULL without one';
COMMENT ON COLUMN fact_critical_result.communicate_min IS 'communicated - identified; negative where it was told before it was flagged';
COMMENT ON COLUMN fact_critical_result.close_min IS 'closed - identified';
COMMENT ON COLUMN fact_critical_result.has_who IS 'documented who told it';
COMMENT ON COLUMN fact_critical_result.has_whom IS 'documented to whom';
COMMENT ON COLUMN fact_critical_result.has_when IS 'a time of communication is known';
COMMENT ON COLUMN fact_critical_result.has_how IS 'documented how: phone, in person, ...';
COMMENT ON COLUMN fact_critical_result.has_read_back IS 'documented that it was read back';
COMMENT ON COLUMN fact_critical_result.local_date IS 'site-local date of identified, else of the first thing known';
COMMENT ON COLUMN fact_critical_result.local_hour IS 'site-local hour of the same';
CREATE TABLE fact_followup (
    followup_key BIGINT,
    exam_key BIGINT,
    accession_token VARCHAR(32),
    patient_key BIGINT,
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
    told_by VARCHAR(64),
    feed_key VARCHAR(64),
    rule_id VARCHAR(64),
    owner VARCHAR(32),
    wanted_modality VARCHAR(64),
    interval_days DOUBLE PRECISION,
    wanted_region VARCHAR(64),
    recommended_at TIMESTAMP WITHOUT TIME ZONE,
    due_at TIMESTAMP WITHOUT TIME ZONE,
    deadline_at TIMESTAMP WITHOUT TIME ZONE,
    scheduled_at TIMESTAMP WITHOUT TIME ZONE,
    completed_at TIMESTAMP WITHOUT TIME ZONE,
    completed_by VARCHAR(64),
    completed_exam_key BIGINT,
    dismissed_at TIMESTAMP WITHOUT TIME ZONE,
    dismissed_by VARCHAR(64),
    dismiss_reason VARCHAR(128),
    is_excluded BOOLEAN,
    local_date DATE,
    local_hour INTEGER,
    due_local_date DATE
);
COMMENT ON TABLE fact_followup IS 'One row a recommended follow-up exam.';
COMMENT ON COLUMN fact_followup.followup_key IS 'hash(exam, what is recommended)';
COMMENT ON COLUMN fact_followup.exam_key IS 'exam whose report recommends it';
COMMENT ON COLUMN fact_followup.accession_token IS 'pseudonym to find that exam in the RIS with';
COMMENT ON COLUMN fact_followup.patient_key IS 'patient after merges';
COMMENT ON COLUMN fact_followup.site_code IS 'site';
COMMENT ON COLUMN fact_followup.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_followup.modality IS 'canonical modality';
COMMENT ON COLUMN fact_followup.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_followup.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_followup.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_followup.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_followup.section IS 'reading section';
COMMENT ON COLUMN fact_followup.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_followup.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_followup.told_by IS 'feed (coded) or rule (read from the report''s text)';
COMMENT ON COLUMN fact_followup.feed_key IS 'feed that told it';
COMMENT ON COLUMN fact_followup.rule_id IS 'rule of the text that matched; NULL where a feed told it coded';
COMMENT ON COLUMN fact_followup.owner IS 'pseudonym of the exam''s reader';
COMMENT ON COLUMN fact_followup.wanted_modality IS 'modality recommended; NULL where none is named';
COMMENT ON COLUMN fact_followup.interval_days IS 'days until it is due, as stated; NULL where no interval is';
COMMENT ON COLUMN fact_followup.wanted_region IS 'body region recommended; NULL where none is named: then the exam''s own';
COMMENT ON COLUMN fact_followup.recommended_at IS 'followup_recommended';
COMMENT ON COLUMN fact_followup.due_at IS 'recommended plus interval, months by the calendar';
COMMENT ON COLUMN fact_followup.deadline_at IS 'due plus the site''s grace';
COMMENT ON COLUMN fact_followup.scheduled_at IS 'followup_scheduled';
COMMENT ON COLUMN fact_followup.completed_at IS 'followup_completed, else begin of the exam that did it';
COMMENT ON COLUMN fact_followup.completed_by IS 'feed (told) or exam (a matching one was done); NULL while open';
COMMENT ON COLUMN fact_followup.completed_exam_key IS 'the matching exam; NULL where none did it';
COMMENT ON COLUMN fact_followup.dismissed_at IS 'followup_dismissed: by a human, as a feed tells it or in the dashboard';
COMMENT ON COLUMN fact_followup.dismissed_by IS 'feed or dashboard; NULL while not dismissed';
COMMENT ON COLUMN fact_followup.dismiss_reason IS 'coded reason';
COMMENT ON COLUMN fact_followup.is_excluded IS 'dismissed because of death, transfer or a newer recommendation';
COMMENT ON COLUMN fact_followup.local_date IS 'site-local date of recommended';
COMMENT ON COLUMN fact_followup.local_hour IS 'site-local hour of the same';
COMMENT ON COLUMN fact_followup.due_local_date IS 'site-local date of due; NULL without an interval';
ALTER TABLE fact_exam ADD COLUMN followup_recommended_at TIMESTAMP WITHOUT TIME ZONE;
COMMENT ON COLUMN fact_exam.followup_recommended_at IS 'first follow-up recommended, coded or read from the text';
