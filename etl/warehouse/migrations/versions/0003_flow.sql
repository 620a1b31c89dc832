-- Flow, reporting and targets, frozen. Runs on DuckDB and PostgreSQL.
ALTER TABLE fact_exam ADD COLUMN transcribed_at TIMESTAMP WITHOUT TIME ZONE;
COMMENT ON COLUMN fact_exam.transcribed_at IS 'transcribed';
ALTER TABLE fact_exam ADD COLUMN report_viewed_at TIMESTAMP WITHOUT TIME ZONE;
COMMENT ON COLUMN fact_exam.report_viewed_at IS 'first view or acknowledgement by a referrer after the first final';
ALTER TABLE fact_exam ADD COLUMN reworked_at TIMESTAMP WITHOUT TIME ZONE;
COMMENT ON COLUMN fact_exam.reworked_at IS 'first change of procedure or accession after the first final';
ALTER TABLE fact_exam ADD COLUMN transcription_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_exam.transcription_min IS 'T22: transcribed - dictated';
ALTER TABLE fact_exam ADD COLUMN view_delay_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_exam.view_delay_min IS 'T25: first view - first final';
ALTER TABLE fact_exam ADD COLUMN communication_target_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_exam.communication_target_min IS 'target of T17 valid at exam end, NULL without target';
ALTER TABLE fact_exam ADD COLUMN unread_target_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_exam.unread_target_min IS 'target of T19 valid at exam end, NULL without target';
ALTER TABLE fact_exam ADD COLUMN patient_wait_target_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_exam.patient_wait_target_min IS 'target of T06 valid at begin, else appointment, else order; NULL without target';
ALTER TABLE fact_exam ADD COLUMN arrive_target_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_exam.arrive_target_min IS 'target of T05 valid at the order, NULL without target';
ALTER TABLE fact_exam ADD COLUMN addendum_class VARCHAR(64);
COMMENT ON COLUMN fact_exam.addendum_class IS 'gravest of the addenda as coded: typographic, clinical; NULL: none coded';
ALTER TABLE fact_exam ADD COLUMN discrepancy VARCHAR(64);
COMMENT ON COLUMN fact_exam.discrepancy IS 'preliminary against final as coded: none, minor, major; NULL: not coded';
ALTER TABLE fact_exam ADD COLUMN has_impression BOOLEAN;
COMMENT ON COLUMN fact_exam.has_impression IS 'a coded impression section was sent';
ALTER TABLE fact_exam ADD COLUMN is_read_idle BOOLEAN;
COMMENT ON COLUMN fact_exam.is_read_idle IS 'T20: read longer than the rule''s limit, so left open; NULL without read time';
CREATE TABLE fact_first_case (
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
    appointment_at TIMESTAMP WITHOUT TIME ZONE,
    exam_begin_at TIMESTAMP WITHOUT TIME ZONE,
    start_delay_min DOUBLE PRECISION,
    local_date DATE,
    local_hour INTEGER
);
COMMENT ON TABLE fact_first_case IS 'One row a scanner and day: its first booked exam that was not called off.';
COMMENT ON COLUMN fact_first_case.exam_key IS 'exam; scanner_code is the scanner it was booked on';
COMMENT ON COLUMN fact_first_case.site_code IS 'site';
COMMENT ON COLUMN fact_first_case.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_first_case.modality IS 'canonical modality';
COMMENT ON COLUMN fact_first_case.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_first_case.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_first_case.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_first_case.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_first_case.section IS 'reading section';
COMMENT ON COLUMN fact_first_case.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_first_case.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_first_case.appointment_at IS 'booked start';
COMMENT ON COLUMN fact_first_case.exam_begin_at IS 'begin; NULL: not yet';
COMMENT ON COLUMN fact_first_case.start_delay_min IS 'T09: begin - appointment';
COMMENT ON COLUMN fact_first_case.local_date IS 'of the appointment';
COMMENT ON COLUMN fact_first_case.local_hour IS 'of the appointment';
