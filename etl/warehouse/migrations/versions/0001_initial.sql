-- The warehouse's first schema, frozen: later changes are revisions of their own. Runs on DuckDB and PostgreSQL.
CREATE TABLE event (
    event_id VARCHAR(32),
    feed_key VARCHAR(64),
    site_code VARCHAR(64),
    local_code VARCHAR(200),
    raw_time VARCHAR(64),
    occurred_at TIMESTAMP WITHOUT TIME ZONE,
    utc_offset_min INTEGER,
    time_flag VARCHAR(64),
    clock_key VARCHAR(128),
    known_at TIMESTAMP WITHOUT TIME ZONE,
    content_hash VARCHAR(32),
    key_epoch INTEGER,
    patient_token VARCHAR(32),
    accession_token VARCHAR(32),
    placer_token VARCHAR(32),
    filler_token VARCHAR(32),
    study_token VARCHAR(32),
    visit_token VARCHAR(32),
    appointment_token VARCHAR(32),
    prior_patient_token VARCHAR(32),
    modality VARCHAR(64),
    station_name VARCHAR(128),
    procedure_code VARCHAR(128),
    procedure_text VARCHAR(200),
    priority_code VARCHAR(64),
    patient_class_code VARCHAR(64),
    birth_year INTEGER,
    sex VARCHAR(64),
    ordering_token VARCHAR(32),
    technologist_token VARCHAR(32),
    reader_token VARCHAR(32),
    assistant_token VARCHAR(32),
    appointment_at TIMESTAMP WITHOUT TIME ZONE,
    planned_duration_min DOUBLE PRECISION,
    reason_code VARCHAR(128),
    result_code VARCHAR(128)
);
COMMENT ON TABLE event IS 'Workflow events as sent: the source of truth, append-only, de-duplicated.';
COMMENT ON COLUMN event.event_id IS 'hash(feed, tokens as sent, local code, raw time, ordinal); never arrival or control id';
COMMENT ON COLUMN event.feed_key IS 'feed that sent it';
COMMENT ON COLUMN event.site_code IS 'site of the feed';
COMMENT ON COLUMN event.local_code IS 'status as sent; derivation maps it';
COMMENT ON COLUMN event.raw_time IS 'time text as sent';
COMMENT ON COLUMN event.occurred_at IS 'that text as UTC, uncorrected';
COMMENT ON COLUMN event.utc_offset_min IS 'offset of the text or of the feed''s zone at that instant';
COMMENT ON COLUMN event.time_flag IS '''ambiguous'' for a repeated DST hour without offset';
COMMENT ON COLUMN event.clock_key IS 'which clock wrote it';
COMMENT ON COLUMN event.known_at IS 'sender''s message time; NULL where the feed has none';
COMMENT ON COLUMN event.content_hash IS 'hash of the rest; the lowest (known_at, content_hash) is kept';
COMMENT ON COLUMN event.key_epoch IS 'epoch of the pseudonym key behind the tokens';
COMMENT ON COLUMN event.patient_token IS 'HMAC of issuer|patient id as sent';
COMMENT ON COLUMN event.accession_token IS 'HMAC of site|accession number';
COMMENT ON COLUMN event.placer_token IS 'HMAC of site|placer order number';
COMMENT ON COLUMN event.filler_token IS 'HMAC of site|filler order number';
COMMENT ON COLUMN event.study_token IS 'HMAC of Study Instance UID';
COMMENT ON COLUMN event.visit_token IS 'HMAC of site|visit number';
COMMENT ON COLUMN event.appointment_token IS 'HMAC of site|appointment id';
COMMENT ON COLUMN event.prior_patient_token IS 'HMAC of the id merged away (A40)';
COMMENT ON COLUMN event.modality IS 'as sent';
COMMENT ON COLUMN event.station_name IS 'room, station or AE title as sent';
COMMENT ON COLUMN event.procedure_code IS 'local procedure code';
COMMENT ON COLUMN event.procedure_text IS 'local procedure name';
COMMENT ON COLUMN event.priority_code IS 'as sent';
COMMENT ON COLUMN event.patient_class_code IS 'as sent';
COMMENT ON COLUMN event.birth_year IS 'year only';
COMMENT ON COLUMN event.sex IS 'M, F, O or U';
COMMENT ON COLUMN event.ordering_token IS 'pseudonym of the ordering person';
COMMENT ON COLUMN event.technologist_token IS 'pseudonym of the technologist';
COMMENT ON COLUMN event.reader_token IS 'pseudonym of the principal reader';
COMMENT ON COLUMN event.assistant_token IS 'pseudonym of the assistant reader (trainee)';
COMMENT ON COLUMN event.appointment_at IS 'booked start the message states';
COMMENT ON COLUMN event.planned_duration_min IS 'booked length the message states';
COMMENT ON COLUMN event.reason_code IS 'coded reason (cancellation, discontinuation)';
COMMENT ON COLUMN event.result_code IS 'coded result (critical class, AI triage, follow-up)';
CREATE TABLE event_series (
    event_id VARCHAR(32),
    feed_key VARCHAR(64),
    site_code VARCHAR(64),
    local_code VARCHAR(200),
    raw_time VARCHAR(64),
    occurred_at TIMESTAMP WITHOUT TIME ZONE,
    utc_offset_min INTEGER,
    time_flag VARCHAR(64),
    clock_key VARCHAR(128),
    known_at TIMESTAMP WITHOUT TIME ZONE,
    content_hash VARCHAR(32),
    key_epoch INTEGER,
    patient_token VARCHAR(32),
    accession_token VARCHAR(32),
    placer_token VARCHAR(32),
    filler_token VARCHAR(32),
    study_token VARCHAR(32),
    visit_token VARCHAR(32),
    appointment_token VARCHAR(32),
    series_token VARCHAR(32),
    instance_token VARCHAR(32),
    modality VARCHAR(64),
    station_name VARCHAR(128),
    manufacturer VARCHAR(128),
    model_name VARCHAR(128),
    protocol_name VARCHAR(128),
    body_part VARCHAR(64),
    end_at TIMESTAMP WITHOUT TIME ZONE,
    time_source VARCHAR(64),
    number_of_instances INTEGER,
    size_bytes BIGINT,
    performed_begin_at TIMESTAMP WITHOUT TIME ZONE,
    performed_end_at TIMESTAMP WITHOUT TIME ZONE,
    stored_at TIMESTAMP WITHOUT TIME ZONE,
    birth_year INTEGER,
    sex VARCHAR(64)
);
COMMENT ON TABLE event_series IS 'DICOM series and instance headers as found.';
COMMENT ON COLUMN event_series.event_id IS 'hash(feed, tokens as sent, local code, raw time, ordinal); never arrival or control id';
COMMENT ON COLUMN event_series.feed_key IS 'feed that sent it';
COMMENT ON COLUMN event_series.site_code IS 'site of the feed';
COMMENT ON COLUMN event_series.local_code IS 'status as sent; derivation maps it';
COMMENT ON COLUMN event_series.raw_time IS 'time text as sent';
COMMENT ON COLUMN event_series.occurred_at IS 'that text as UTC, uncorrected';
COMMENT ON COLUMN event_series.utc_offset_min IS 'offset of the text or of the feed''s zone at that instant';
COMMENT ON COLUMN event_series.time_flag IS '''ambiguous'' for a repeated DST hour without offset';
COMMENT ON COLUMN event_series.clock_key IS 'which clock wrote it';
COMMENT ON COLUMN event_series.known_at IS 'sender''s message time; NULL where the feed has none';
COMMENT ON COLUMN event_series.content_hash IS 'hash of the rest; the lowest (known_at, content_hash) is kept';
COMMENT ON COLUMN event_series.key_epoch IS 'epoch of the pseudonym key behind the tokens';
COMMENT ON COLUMN event_series.patient_token IS 'HMAC of issuer|patient id as sent';
COMMENT ON COLUMN event_series.accession_token IS 'HMAC of site|accession number';
COMMENT ON COLUMN event_series.placer_token IS 'HMAC of site|placer order number';
COMMENT ON COLUMN event_series.filler_token IS 'HMAC of site|filler order number';
COMMENT ON COLUMN event_series.study_token IS 'HMAC of Study Instance UID';
COMMENT ON COLUMN event_series.visit_token IS 'HMAC of site|visit number';
COMMENT ON COLUMN event_series.appointment_token IS 'HMAC of site|appointment id';
COMMENT ON COLUMN event_series.series_token IS 'HMAC of Series Instance UID';
COMMENT ON COLUMN event_series.instance_token IS 'HMAC of SOP Instance UID; NULL for series-level queries';
COMMENT ON COLUMN event_series.modality IS '(0008,0060)';
COMMENT ON COLUMN event_series.station_name IS '(0008,1010)';
COMMENT ON COLUMN event_series.manufacturer IS '(0008,0070)';
COMMENT ON COLUMN event_series.model_name IS '(0008,1090)';
COMMENT ON COLUMN event_series.protocol_name IS '(0018,1030)';
COMMENT ON COLUMN event_series.body_part IS '(0018,0015)';
COMMENT ON COLUMN event_series.end_at IS 'end of acquisition where the header tells it';
COMMENT ON COLUMN event_series.time_source IS 'keyword that gave occurred_at';
COMMENT ON COLUMN event_series.number_of_instances IS '(0020,1209), 1 for a file';
COMMENT ON COLUMN event_series.size_bytes IS 'bytes of the file or series';
COMMENT ON COLUMN event_series.performed_begin_at IS '(0040,0244)+(0040,0245)';
COMMENT ON COLUMN event_series.performed_end_at IS '(0040,0250)+(0040,0251)';
COMMENT ON COLUMN event_series.stored_at IS 'archive''s arrival time, where known';
COMMENT ON COLUMN event_series.birth_year IS 'year only';
COMMENT ON COLUMN event_series.sex IS 'M, F, O or U';
CREATE TABLE event_dose (
    event_id VARCHAR(32),
    feed_key VARCHAR(64),
    site_code VARCHAR(64),
    local_code VARCHAR(200),
    raw_time VARCHAR(64),
    occurred_at TIMESTAMP WITHOUT TIME ZONE,
    utc_offset_min INTEGER,
    time_flag VARCHAR(64),
    clock_key VARCHAR(128),
    known_at TIMESTAMP WITHOUT TIME ZONE,
    content_hash VARCHAR(32),
    key_epoch INTEGER,
    patient_token VARCHAR(32),
    accession_token VARCHAR(32),
    placer_token VARCHAR(32),
    filler_token VARCHAR(32),
    study_token VARCHAR(32),
    visit_token VARCHAR(32),
    appointment_token VARCHAR(32),
    report_token VARCHAR(32),
    irradiation_token VARCHAR(32),
    modality VARCHAR(64),
    station_name VARCHAR(128),
    manufacturer VARCHAR(128),
    model_name VARCHAR(128),
    protocol_name VARCHAR(128),
    target_region VARCHAR(64),
    acquisition_type VARCHAR(64),
    ended_at TIMESTAMP WITHOUT TIME ZONE,
    ctdivol_mgy DOUBLE PRECISION,
    phantom_cm INTEGER,
    dlp_mgy_cm DOUBLE PRECISION,
    ssde_mgy DOUBLE PRECISION,
    dap_gy_m2 DOUBLE PRECISION,
    dose_rp_gy DOUBLE PRECISION,
    fluoro_time_s DOUBLE PRECISION,
    agd_mgy DOUBLE PRECISION,
    laterality VARCHAR(64),
    activity_mbq DOUBLE PRECISION,
    dose_check VARCHAR(64),
    is_patient BOOLEAN
);
COMMENT ON TABLE event_dose IS 'Irradiation events of dose reports as found.';
COMMENT ON COLUMN event_dose.event_id IS 'hash(feed, tokens as sent, local code, raw time, ordinal); never arrival or control id';
COMMENT ON COLUMN event_dose.feed_key IS 'feed that sent it';
COMMENT ON COLUMN event_dose.site_code IS 'site of the feed';
COMMENT ON COLUMN event_dose.local_code IS 'status as sent; derivation maps it';
COMMENT ON COLUMN event_dose.raw_time IS 'time text as sent';
COMMENT ON COLUMN event_dose.occurred_at IS 'that text as UTC, uncorrected';
COMMENT ON COLUMN event_dose.utc_offset_min IS 'offset of the text or of the feed''s zone at that instant';
COMMENT ON COLUMN event_dose.time_flag IS '''ambiguous'' for a repeated DST hour without offset';
COMMENT ON COLUMN event_dose.clock_key IS 'which clock wrote it';
COMMENT ON COLUMN event_dose.known_at IS 'sender''s message time; NULL where the feed has none';
COMMENT ON COLUMN event_dose.content_hash IS 'hash of the rest; the lowest (known_at, content_hash) is kept';
COMMENT ON COLUMN event_dose.key_epoch IS 'epoch of the pseudonym key behind the tokens';
COMMENT ON COLUMN event_dose.patient_token IS 'HMAC of issuer|patient id as sent';
COMMENT ON COLUMN event_dose.accession_token IS 'HMAC of site|accession number';
COMMENT ON COLUMN event_dose.placer_token IS 'HMAC of site|placer order number';
COMMENT ON COLUMN event_dose.filler_token IS 'HMAC of site|filler order number';
COMMENT ON COLUMN event_dose.study_token IS 'HMAC of Study Instance UID';
COMMENT ON COLUMN event_dose.visit_token IS 'HMAC of site|visit number';
COMMENT ON COLUMN event_dose.appointment_token IS 'HMAC of site|appointment id';
COMMENT ON COLUMN event_dose.report_token IS 'HMAC of the report''s SOP Instance UID';
COMMENT ON COLUMN event_dose.irradiation_token IS 'HMAC of the irradiation event UID; repeated reports count once';
COMMENT ON COLUMN event_dose.modality IS 'modality of the irradiation';
COMMENT ON COLUMN event_dose.station_name IS '(0008,1010)';
COMMENT ON COLUMN event_dose.manufacturer IS '(0008,0070)';
COMMENT ON COLUMN event_dose.model_name IS '(0008,1090)';
COMMENT ON COLUMN event_dose.protocol_name IS 'DCM 125203';
COMMENT ON COLUMN event_dose.target_region IS 'DCM 123014 code value';
COMMENT ON COLUMN event_dose.acquisition_type IS 'DCM 113820 code value';
COMMENT ON COLUMN event_dose.ended_at IS 'end of irradiation';
COMMENT ON COLUMN event_dose.ctdivol_mgy IS 'DCM 113830';
COMMENT ON COLUMN event_dose.phantom_cm IS 'DCM 113835: 16 or 32';
COMMENT ON COLUMN event_dose.dlp_mgy_cm IS 'DCM 113838';
COMMENT ON COLUMN event_dose.ssde_mgy IS 'DCM 113930';
COMMENT ON COLUMN event_dose.dap_gy_m2 IS 'DCM 122130';
COMMENT ON COLUMN event_dose.dose_rp_gy IS 'DCM 113738';
COMMENT ON COLUMN event_dose.fluoro_time_s IS 'DCM 113730';
COMMENT ON COLUMN event_dose.agd_mgy IS 'DCM 111631';
COMMENT ON COLUMN event_dose.laterality IS 'L or R';
COMMENT ON COLUMN event_dose.activity_mbq IS 'DCM 113507';
COMMENT ON COLUMN event_dose.dose_check IS '''alert'' (113900) or ''notification'' (113908)';
COMMENT ON COLUMN event_dose.is_patient IS 'false for QA phantoms';
CREATE TABLE event_opening (
    event_id VARCHAR(32),
    feed_key VARCHAR(64),
    site_code VARCHAR(64),
    local_code VARCHAR(200),
    raw_time VARCHAR(64),
    occurred_at TIMESTAMP WITHOUT TIME ZONE,
    utc_offset_min INTEGER,
    time_flag VARCHAR(64),
    clock_key VARCHAR(128),
    known_at TIMESTAMP WITHOUT TIME ZONE,
    content_hash VARCHAR(32),
    key_epoch INTEGER,
    patient_token VARCHAR(32),
    accession_token VARCHAR(32),
    placer_token VARCHAR(32),
    filler_token VARCHAR(32),
    study_token VARCHAR(32),
    visit_token VARCHAR(32),
    appointment_token VARCHAR(32),
    scanner_code VARCHAR(64),
    kind VARCHAR(64),
    end_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    reason_code VARCHAR(128)
);
COMMENT ON TABLE event_opening IS 'Operating calendar as stated.';
COMMENT ON COLUMN event_opening.event_id IS 'hash(feed, tokens as sent, local code, raw time, ordinal); never arrival or control id';
COMMENT ON COLUMN event_opening.feed_key IS 'feed that sent it';
COMMENT ON COLUMN event_opening.site_code IS 'site of the feed';
COMMENT ON COLUMN event_opening.local_code IS 'status as sent; derivation maps it';
COMMENT ON COLUMN event_opening.raw_time IS 'time text as sent';
COMMENT ON COLUMN event_opening.occurred_at IS 'that text as UTC, uncorrected';
COMMENT ON COLUMN event_opening.utc_offset_min IS 'offset of the text or of the feed''s zone at that instant';
COMMENT ON COLUMN event_opening.time_flag IS '''ambiguous'' for a repeated DST hour without offset';
COMMENT ON COLUMN event_opening.clock_key IS 'which clock wrote it';
COMMENT ON COLUMN event_opening.known_at IS 'sender''s message time; NULL where the feed has none';
COMMENT ON COLUMN event_opening.content_hash IS 'hash of the rest; the lowest (known_at, content_hash) is kept';
COMMENT ON COLUMN event_opening.key_epoch IS 'epoch of the pseudonym key behind the tokens';
COMMENT ON COLUMN event_opening.patient_token IS 'HMAC of issuer|patient id as sent';
COMMENT ON COLUMN event_opening.accession_token IS 'HMAC of site|accession number';
COMMENT ON COLUMN event_opening.placer_token IS 'HMAC of site|placer order number';
COMMENT ON COLUMN event_opening.filler_token IS 'HMAC of site|filler order number';
COMMENT ON COLUMN event_opening.study_token IS 'HMAC of Study Instance UID';
COMMENT ON COLUMN event_opening.visit_token IS 'HMAC of site|visit number';
COMMENT ON COLUMN event_opening.appointment_token IS 'HMAC of site|appointment id';
COMMENT ON COLUMN event_opening.scanner_code IS 'scanner';
COMMENT ON COLUMN event_opening.kind IS 'open, closure, downtime_planned, downtime_unplanned, slot';
COMMENT ON COLUMN event_opening.end_at IS 'end of the stretch; occurred_at is its begin';
COMMENT ON COLUMN event_opening.local_date IS 'site-local date it belongs to';
COMMENT ON COLUMN event_opening.reason_code IS 'why closed or down';
CREATE TABLE receipt (
    event_id VARCHAR(32),
    run_key VARCHAR(64),
    recorded_at TIMESTAMP WITHOUT TIME ZONE,
    source_ref VARCHAR(300),
    control_token VARCHAR(32)
);
COMMENT ON TABLE receipt IS 'Every arrival of every event.';
COMMENT ON COLUMN receipt.event_id IS 'event received';
COMMENT ON COLUMN receipt.run_key IS 'run that received it';
COMMENT ON COLUMN receipt.recorded_at IS 'when we recorded it';
COMMENT ON COLUMN receipt.source_ref IS 'file and position';
COMMENT ON COLUMN receipt.control_token IS 'HMAC of MSH-10 or SOP Instance UID';
CREATE TABLE link (
    event_id VARCHAR(32),
    exam_key BIGINT,
    reason VARCHAR(64)
);
COMMENT ON TABLE link IS 'Derived: which exam an event belongs to, and why (decision 1).';
COMMENT ON COLUMN link.event_id IS 'event';
COMMENT ON COLUMN link.exam_key IS 'exam it belongs to; 0: none found';
COMMENT ON COLUMN link.reason IS 'accession, filler, placer, study, appointment, visit, unmatched';
CREATE TABLE quarantine (
    quarantine_id VARCHAR(32),
    run_key VARCHAR(64),
    feed_key VARCHAR(64),
    source_ref VARCHAR(300),
    reason VARCHAR(64),
    detail VARCHAR(400),
    raw_file VARCHAR(300),
    refused_at TIMESTAMP WITHOUT TIME ZONE,
    replayed_at TIMESTAMP WITHOUT TIME ZONE
);
COMMENT ON TABLE quarantine IS 'Refused items: nothing is lost.';
COMMENT ON COLUMN quarantine.quarantine_id IS 'hash(feed, source_ref, raw)';
COMMENT ON COLUMN quarantine.run_key IS 'run that refused it';
COMMENT ON COLUMN quarantine.feed_key IS 'feed';
COMMENT ON COLUMN quarantine.source_ref IS 'file and position';
COMMENT ON COLUMN quarantine.reason IS 'one of etl.errors.Reason';
COMMENT ON COLUMN quarantine.detail IS 'redacted explanation';
COMMENT ON COLUMN quarantine.raw_file IS 'encrypted raw copy, where kept';
COMMENT ON COLUMN quarantine.refused_at IS 'when';
COMMENT ON COLUMN quarantine.replayed_at IS 'when a replay succeeded; NULL while refused';
CREATE TABLE run (
    run_key VARCHAR(64),
    feed_key VARCHAR(64),
    started_at TIMESTAMP WITHOUT TIME ZONE,
    finished_at TIMESTAMP WITHOUT TIME ZONE,
    outcome VARCHAR(64),
    message VARCHAR(1000),
    files INTEGER,
    offered INTEGER,
    loaded INTEGER,
    unchanged INTEGER,
    quarantined INTEGER,
    filtered INTEGER,
    events INTEGER
);
COMMENT ON TABLE run IS 'One row a feed and run; offered = loaded + unchanged + quarantined + filtered.';
COMMENT ON COLUMN run.run_key IS 'run';
COMMENT ON COLUMN run.feed_key IS 'feed';
COMMENT ON COLUMN run.started_at IS 'wall clock';
COMMENT ON COLUMN run.finished_at IS 'wall clock';
COMMENT ON COLUMN run.outcome IS 'ok, stopped (e.g. column drift), failed';
COMMENT ON COLUMN run.message IS 'why it stopped';
COMMENT ON COLUMN run.files IS 'files read';
COMMENT ON COLUMN run.offered IS 'items offered';
COMMENT ON COLUMN run.loaded IS 'items with at least one new or better event';
COMMENT ON COLUMN run.unchanged IS 'items whose events were all known';
COMMENT ON COLUMN run.quarantined IS 'items refused';
COMMENT ON COLUMN run.filtered IS 'items left out under a listed reason';
COMMENT ON COLUMN run.events IS 'new events';
CREATE TABLE watermark (
    feed_key VARCHAR(64),
    source VARCHAR(300),
    size_bytes BIGINT,
    mtime_ns BIGINT,
    run_key VARCHAR(64)
);
COMMENT ON TABLE watermark IS 'What has been read, committed with the rows themselves.';
COMMENT ON COLUMN watermark.feed_key IS 'feed';
COMMENT ON COLUMN watermark.source IS 'relative path';
COMMENT ON COLUMN watermark.size_bytes IS 'size when read';
COMMENT ON COLUMN watermark.mtime_ns IS 'modification time when read';
COMMENT ON COLUMN watermark.run_key IS 'run that read it';
CREATE TABLE touched (
    event_table VARCHAR(64),
    event_id VARCHAR(32)
);
COMMENT ON TABLE touched IS 'What the next derivation has to look at; emptied by it in its own transaction.';
COMMENT ON COLUMN touched.event_table IS 'event, event_series, event_dose or event_opening';
COMMENT ON COLUMN touched.event_id IS 'event that is new or was replaced since the last derivation';
CREATE TABLE parameter_set (
    parameter_hash VARCHAR(32),
    used_at TIMESTAMP WITHOUT TIME ZONE
);
COMMENT ON TABLE parameter_set IS 'Parameter sets that derivation used (decision 2).';
COMMENT ON COLUMN parameter_set.parameter_hash IS 'hash of maps, rules, corrections, targets, calendar';
COMMENT ON COLUMN parameter_set.used_at IS 'first use';
CREATE TABLE data_version (
    data_version VARCHAR(32),
    parameter_hash VARCHAR(32),
    data_at TIMESTAMP WITHOUT TIME ZONE,
    published_at TIMESTAMP WITHOUT TIME ZONE,
    events BIGINT,
    content_hash VARCHAR(32)
);
COMMENT ON TABLE data_version IS 'Published versions; the last row is current.';
COMMENT ON COLUMN data_version.data_version IS 'hash of event set and parameter set';
COMMENT ON COLUMN data_version.parameter_hash IS 'parameter set';
COMMENT ON COLUMN data_version.data_at IS 'latest known_at of any event: the ''now'' of every KPI (decision 4)';
COMMENT ON COLUMN data_version.published_at IS 'wall clock';
COMMENT ON COLUMN data_version.events IS 'events behind it';
COMMENT ON COLUMN data_version.content_hash IS 'hash of version, forecasts, runs and quarantine: a new copy is published on change';
CREATE TABLE fact_exam (
    exam_key BIGINT NOT NULL,
    accession_token VARCHAR(32),
    visit_key BIGINT,
    patient_key BIGINT,
    birth_year INTEGER,
    sex VARCHAR(64),
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
    booked_scanner_code VARCHAR(64),
    status VARCHAR(64),
    ordering_person VARCHAR(32),
    technologist VARCHAR(32),
    reader VARCHAR(32),
    assistant_reader VARCHAR(32),
    order_entered_at TIMESTAMP WITHOUT TIME ZONE,
    order_accepted_at TIMESTAMP WITHOUT TIME ZONE,
    scheduled_at TIMESTAMP WITHOUT TIME ZONE,
    appointment_at TIMESTAMP WITHOUT TIME ZONE,
    planned_duration_min DOUBLE PRECISION,
    arrived_at TIMESTAMP WITHOUT TIME ZONE,
    in_room_at TIMESTAMP WITHOUT TIME ZONE,
    exam_begin_at TIMESTAMP WITHOUT TIME ZONE,
    exam_begin_source VARCHAR(64),
    exam_begin_difference_min DOUBLE PRECISION,
    exam_end_at TIMESTAMP WITHOUT TIME ZONE,
    exam_end_source VARCHAR(64),
    exam_end_difference_min DOUBLE PRECISION,
    first_acquisition_at TIMESTAMP WITHOUT TIME ZONE,
    last_acquisition_at TIMESTAMP WITHOUT TIME ZONE,
    qc_complete_at TIMESTAMP WITHOUT TIME ZONE,
    images_available_at TIMESTAMP WITHOUT TIME ZONE,
    read_opened_at TIMESTAMP WITHOUT TIME ZONE,
    dictated_at TIMESTAMP WITHOUT TIME ZONE,
    first_prelim_at TIMESTAMP WITHOUT TIME ZONE,
    last_prelim_at TIMESTAMP WITHOUT TIME ZONE,
    first_final_at TIMESTAMP WITHOUT TIME ZONE,
    last_final_at TIMESTAMP WITHOUT TIME ZONE,
    first_communication_at TIMESTAMP WITHOUT TIME ZONE,
    first_addendum_at TIMESTAMP WITHOUT TIME ZONE,
    cancelled_at TIMESTAMP WITHOUT TIME ZONE,
    aborted_at TIMESTAMP WITHOUT TIME ZONE,
    no_show_at TIMESTAMP WITHOUT TIME ZONE,
    order_local_date DATE,
    order_local_hour INTEGER,
    appointment_local_date DATE,
    appointment_local_hour INTEGER,
    begin_local_date DATE,
    begin_local_hour INTEGER,
    end_local_date DATE,
    end_local_hour INTEGER,
    final_local_date DATE,
    final_local_hour INTEGER,
    order_to_arrive_min DOUBLE PRECISION,
    patient_wait_min DOUBLE PRECISION,
    arrival_to_begin_min DOUBLE PRECISION,
    punctuality_min DOUBLE PRECISION,
    start_delay_min DOUBLE PRECISION,
    prep_min DOUBLE PRECISION,
    exam_duration_min DOUBLE PRECISION,
    dicom_duration_min DOUBLE PRECISION,
    ris_dicom_difference_min DOUBLE PRECISION,
    begin_offset_min DOUBLE PRECISION,
    end_offset_min DOUBLE PRECISION,
    images_delay_min DOUBLE PRECISION,
    report_tat_min DOUBLE PRECISION,
    first_communication_min DOUBLE PRECISION,
    total_tat_min DOUBLE PRECISION,
    unread_wait_min DOUBLE PRECISION,
    read_time_min DOUBLE PRECISION,
    prelim_to_final_min DOUBLE PRECISION,
    end_to_end_min DOUBLE PRECISION,
    report_target_min DOUBLE PRECISION,
    overrun_min DOUBLE PRECISION,
    is_performed BOOLEAN,
    is_addon BOOLEAN,
    has_images BOOLEAN,
    has_dose_report BOOLEAN,
    has_order_violation BOOLEAN,
    dlp_total_mgy_cm DOUBLE PRECISION,
    ctdivol_max_mgy DOUBLE PRECISION,
    dap_total_gy_m2 DOUBLE PRECISION,
    dose_rp_total_gy DOUBLE PRECISION,
    agd_left_mgy DOUBLE PRECISION,
    agd_right_mgy DOUBLE PRECISION,
    activity_mbq DOUBLE PRECISION,
    PRIMARY KEY (exam_key)
);
COMMENT ON TABLE fact_exam IS 'One row an exam (accession): accumulating snapshot.';
COMMENT ON COLUMN fact_exam.exam_key IS 'hash(site, accession or best order number)';
COMMENT ON COLUMN fact_exam.accession_token IS 'pseudonym to find the exam in the RIS with';
COMMENT ON COLUMN fact_exam.visit_key IS 'room visit; NULL until begun';
COMMENT ON COLUMN fact_exam.patient_key IS 'patient after merges';
COMMENT ON COLUMN fact_exam.birth_year IS 'year only';
COMMENT ON COLUMN fact_exam.sex IS 'M, F, O, U';
COMMENT ON COLUMN fact_exam.site_code IS 'site';
COMMENT ON COLUMN fact_exam.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_exam.modality IS 'canonical modality';
COMMENT ON COLUMN fact_exam.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_exam.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_exam.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_exam.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_exam.section IS 'reading section';
COMMENT ON COLUMN fact_exam.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_exam.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_exam.booked_scanner_code IS 'scanner of the last booking';
COMMENT ON COLUMN fact_exam.status IS 'ordered scheduled arrived in_progress ended preliminary final cancelled aborted no_show';
COMMENT ON COLUMN fact_exam.ordering_person IS 'pseudonym';
COMMENT ON COLUMN fact_exam.technologist IS 'pseudonym';
COMMENT ON COLUMN fact_exam.reader IS 'pseudonym of the first final''s reader';
COMMENT ON COLUMN fact_exam.assistant_reader IS 'pseudonym';
COMMENT ON COLUMN fact_exam.order_entered_at IS 'order_entered';
COMMENT ON COLUMN fact_exam.order_accepted_at IS 'order_accepted, else order_entered';
COMMENT ON COLUMN fact_exam.scheduled_at IS 'when the last booking was made';
COMMENT ON COLUMN fact_exam.appointment_at IS 'start of the last valid booking';
COMMENT ON COLUMN fact_exam.planned_duration_min IS 'length of that booking';
COMMENT ON COLUMN fact_exam.arrived_at IS 'patient_arrived';
COMMENT ON COLUMN fact_exam.in_room_at IS 'in_room';
COMMENT ON COLUMN fact_exam.exam_begin_at IS 'chosen begin (decision 8)';
COMMENT ON COLUMN fact_exam.exam_begin_source IS 'ris, mpps, dicom';
COMMENT ON COLUMN fact_exam.exam_begin_difference_min IS 'chosen minus runner-up';
COMMENT ON COLUMN fact_exam.exam_end_at IS 'chosen end';
COMMENT ON COLUMN fact_exam.exam_end_source IS 'ris, mpps, dicom';
COMMENT ON COLUMN fact_exam.exam_end_difference_min IS 'chosen minus runner-up';
COMMENT ON COLUMN fact_exam.first_acquisition_at IS 'min series begin';
COMMENT ON COLUMN fact_exam.last_acquisition_at IS 'max series end';
COMMENT ON COLUMN fact_exam.qc_complete_at IS 'qc_complete';
COMMENT ON COLUMN fact_exam.images_available_at IS 'images_available (RIS/PACS)';
COMMENT ON COLUMN fact_exam.read_opened_at IS 'read_opened';
COMMENT ON COLUMN fact_exam.dictated_at IS 'dictated';
COMMENT ON COLUMN fact_exam.first_prelim_at IS 'first preliminary';
COMMENT ON COLUMN fact_exam.last_prelim_at IS 'last preliminary';
COMMENT ON COLUMN fact_exam.first_final_at IS 'first final signature';
COMMENT ON COLUMN fact_exam.last_final_at IS 'last final or correction';
COMMENT ON COLUMN fact_exam.first_communication_at IS 'first of preliminary, final, critical notification';
COMMENT ON COLUMN fact_exam.first_addendum_at IS 'first correction after final';
COMMENT ON COLUMN fact_exam.cancelled_at IS 'cancellation in force (a later reinstatement clears it)';
COMMENT ON COLUMN fact_exam.aborted_at IS 'discontinued or cancelled after begin';
COMMENT ON COLUMN fact_exam.no_show_at IS 'no_show in force';
COMMENT ON COLUMN fact_exam.order_local_date IS 'of order_entered_at';
COMMENT ON COLUMN fact_exam.order_local_hour IS 'of order_entered_at';
COMMENT ON COLUMN fact_exam.appointment_local_date IS 'of appointment_at';
COMMENT ON COLUMN fact_exam.appointment_local_hour IS 'of appointment_at';
COMMENT ON COLUMN fact_exam.begin_local_date IS 'of exam_begin_at';
COMMENT ON COLUMN fact_exam.begin_local_hour IS 'of exam_begin_at';
COMMENT ON COLUMN fact_exam.end_local_date IS 'of exam_end_at';
COMMENT ON COLUMN fact_exam.end_local_hour IS 'of exam_end_at';
COMMENT ON COLUMN fact_exam.final_local_date IS 'of first_final_at';
COMMENT ON COLUMN fact_exam.final_local_hour IS 'of first_final_at';
COMMENT ON COLUMN fact_exam.order_to_arrive_min IS 'T05';
COMMENT ON COLUMN fact_exam.patient_wait_min IS 'T06: max(0, begin - max(arrived, appointment))';
COMMENT ON COLUMN fact_exam.arrival_to_begin_min IS 'T06 second variant: begin - arrived';
COMMENT ON COLUMN fact_exam.punctuality_min IS 'T07: arrived - appointment, negative = early';
COMMENT ON COLUMN fact_exam.start_delay_min IS 'T08: begin - appointment';
COMMENT ON COLUMN fact_exam.prep_min IS 'T10: begin - in_room';
COMMENT ON COLUMN fact_exam.exam_duration_min IS 'T11';
COMMENT ON COLUMN fact_exam.dicom_duration_min IS 'T12';
COMMENT ON COLUMN fact_exam.ris_dicom_difference_min IS 'T13: T11 - T12';
COMMENT ON COLUMN fact_exam.begin_offset_min IS 'T13: RIS begin - first acquisition';
COMMENT ON COLUMN fact_exam.end_offset_min IS 'T13: RIS end - last acquisition';
COMMENT ON COLUMN fact_exam.images_delay_min IS 'T14: images available - exam end';
COMMENT ON COLUMN fact_exam.report_tat_min IS 'T16: first final - exam end';
COMMENT ON COLUMN fact_exam.first_communication_min IS 'T17: first communication - exam end';
COMMENT ON COLUMN fact_exam.total_tat_min IS 'T18: first communication - order entered';
COMMENT ON COLUMN fact_exam.unread_wait_min IS 'T19: read opened - images available';
COMMENT ON COLUMN fact_exam.read_time_min IS 'T20';
COMMENT ON COLUMN fact_exam.prelim_to_final_min IS 'T21';
COMMENT ON COLUMN fact_exam.end_to_end_min IS 'T26: first final - order entered';
COMMENT ON COLUMN fact_exam.report_target_min IS 'target of T16 valid at exam end for its class, NULL without target';
COMMENT ON COLUMN fact_exam.overrun_min IS 'U10: exam duration - planned';
COMMENT ON COLUMN fact_exam.is_performed IS 'begun and ended, not aborted: the population of most flow KPIs';
COMMENT ON COLUMN fact_exam.is_addon IS 'not on the schedule at 00:00 of its day';
COMMENT ON COLUMN fact_exam.has_images IS 'any series found';
COMMENT ON COLUMN fact_exam.has_dose_report IS 'any dose record found';
COMMENT ON COLUMN fact_exam.has_order_violation IS 'a duration that must not be negative is (decision 11)';
COMMENT ON COLUMN fact_exam.dlp_total_mgy_cm IS 'sum of DLP';
COMMENT ON COLUMN fact_exam.ctdivol_max_mgy IS 'largest CTDIvol';
COMMENT ON COLUMN fact_exam.dap_total_gy_m2 IS 'sum of DAP';
COMMENT ON COLUMN fact_exam.dose_rp_total_gy IS 'sum of dose at reference point';
COMMENT ON COLUMN fact_exam.agd_left_mgy IS 'sum of AGD left';
COMMENT ON COLUMN fact_exam.agd_right_mgy IS 'sum of AGD right';
COMMENT ON COLUMN fact_exam.activity_mbq IS 'sum of administered activity';
CREATE TABLE fact_visit (
    visit_key BIGINT NOT NULL,
    site_code VARCHAR(64),
    scanner_code VARCHAR(64),
    modality VARCHAR(64),
    procedure_group VARCHAR(64),
    priority VARCHAR(64),
    patient_class VARCHAR(64),
    shift VARCHAR(64),
    patient_key BIGINT,
    part INTEGER,
    exams INTEGER,
    begin_at TIMESTAMP WITHOUT TIME ZONE,
    end_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    local_hour INTEGER,
    duration_min DOUBLE PRECISION,
    gap_before_min DOUBLE PRECISION,
    gap_kind VARCHAR(64),
    idle_in_hours_min DOUBLE PRECISION,
    PRIMARY KEY (visit_key)
);
COMMENT ON TABLE fact_visit IS 'One row a room visit part: linked accessions merged, pauses split.';
COMMENT ON COLUMN fact_visit.visit_key IS 'hash(scanner, first exam)';
COMMENT ON COLUMN fact_visit.site_code IS 'site';
COMMENT ON COLUMN fact_visit.scanner_code IS 'scanner';
COMMENT ON COLUMN fact_visit.modality IS 'modality';
COMMENT ON COLUMN fact_visit.procedure_group IS 'of the longest exam';
COMMENT ON COLUMN fact_visit.priority IS 'most urgent of its exams';
COMMENT ON COLUMN fact_visit.patient_class IS 'of its first exam';
COMMENT ON COLUMN fact_visit.shift IS 'of the begin';
COMMENT ON COLUMN fact_visit.patient_key IS 'patient';
COMMENT ON COLUMN fact_visit.part IS '0, 1, .. where a pause splits the visit (K0.5)';
COMMENT ON COLUMN fact_visit.exams IS 'accessions in the visit';
COMMENT ON COLUMN fact_visit.begin_at IS 'begin of this part';
COMMENT ON COLUMN fact_visit.end_at IS 'end of this part';
COMMENT ON COLUMN fact_visit.local_date IS 'of begin';
COMMENT ON COLUMN fact_visit.local_hour IS 'of begin';
COMMENT ON COLUMN fact_visit.duration_min IS 'end - begin';
COMMENT ON COLUMN fact_visit.gap_before_min IS 'begin - previous end on the same scanner-day; NULL for the first';
COMMENT ON COLUMN fact_visit.gap_kind IS 'turnover (below cap), idle, NULL';
COMMENT ON COLUMN fact_visit.idle_in_hours_min IS 'part of an idle gap inside operating time';
CREATE TABLE fact_scanner_hour (
    site_code VARCHAR(64),
    scanner_code VARCHAR(64),
    modality VARCHAR(64),
    hour_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    local_hour INTEGER,
    shift VARCHAR(64),
    operating_min DOUBLE PRECISION,
    scheduled_open_min DOUBLE PRECISION,
    down_min DOUBLE PRECISION,
    unplanned_down_min DOUBLE PRECISION,
    table_min DOUBLE PRECISION,
    room_min DOUBLE PRECISION,
    booked_min DOUBLE PRECISION,
    after_hours_min DOUBLE PRECISION,
    idle_min DOUBLE PRECISION,
    begun_visits INTEGER,
    begun_exams INTEGER,
    booked_exams INTEGER
);
COMMENT ON TABLE fact_scanner_hour IS 'One row a scanner and hour with operating time or activity.';
COMMENT ON COLUMN fact_scanner_hour.site_code IS 'site';
COMMENT ON COLUMN fact_scanner_hour.scanner_code IS 'scanner';
COMMENT ON COLUMN fact_scanner_hour.modality IS 'modality';
COMMENT ON COLUMN fact_scanner_hour.hour_at IS 'start of the hour, UTC (a repeated local hour has two rows)';
COMMENT ON COLUMN fact_scanner_hour.local_date IS 'site-local';
COMMENT ON COLUMN fact_scanner_hour.local_hour IS 'site-local, 0-23';
COMMENT ON COLUMN fact_scanner_hour.shift IS 'day, evening, night, weekend';
COMMENT ON COLUMN fact_scanner_hour.operating_min IS 'open minus closures and downtime';
COMMENT ON COLUMN fact_scanner_hour.scheduled_open_min IS 'open minus closures, downtime not subtracted';
COMMENT ON COLUMN fact_scanner_hour.down_min IS 'declared downtime inside open minutes';
COMMENT ON COLUMN fact_scanner_hour.unplanned_down_min IS 'of these unplanned';
COMMENT ON COLUMN fact_scanner_hour.table_min IS 'U01: union of exam intervals inside operating time';
COMMENT ON COLUMN fact_scanner_hour.room_min IS 'U02: the same with buffers';
COMMENT ON COLUMN fact_scanner_hour.booked_min IS 'U04: union of booked appointments inside operating time';
COMMENT ON COLUMN fact_scanner_hour.after_hours_min IS 'U11: exam minutes outside operating time';
COMMENT ON COLUMN fact_scanner_hour.idle_min IS 'operating minus table minutes';
COMMENT ON COLUMN fact_scanner_hour.begun_visits IS 'visits begun in the hour: the demand forecast''s target';
COMMENT ON COLUMN fact_scanner_hour.begun_exams IS 'exams begun in the hour';
COMMENT ON COLUMN fact_scanner_hour.booked_exams IS 'appointments starting in the hour, not cancelled';
CREATE TABLE fact_opening (
    site_code VARCHAR(64),
    scanner_code VARCHAR(64),
    modality VARCHAR(64),
    kind VARCHAR(64),
    begin_at TIMESTAMP WITHOUT TIME ZONE,
    end_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    reason_code VARCHAR(128)
);
COMMENT ON TABLE fact_opening IS 'The operating calendar.';
COMMENT ON COLUMN fact_opening.site_code IS 'site';
COMMENT ON COLUMN fact_opening.scanner_code IS 'scanner';
COMMENT ON COLUMN fact_opening.modality IS 'modality';
COMMENT ON COLUMN fact_opening.kind IS 'OpeningKind';
COMMENT ON COLUMN fact_opening.begin_at IS 'begin';
COMMENT ON COLUMN fact_opening.end_at IS 'end';
COMMENT ON COLUMN fact_opening.local_date IS 'site-local date';
COMMENT ON COLUMN fact_opening.reason_code IS 'reason';
CREATE TABLE fact_slot (
    slot_key BIGINT,
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
    planned_duration_min DOUBLE PRECISION,
    state VARCHAR(64),
    valid_from_at TIMESTAMP WITHOUT TIME ZONE,
    valid_to_at TIMESTAMP WITHOUT TIME ZONE,
    is_last BOOLEAN,
    lead_time_min DOUBLE PRECISION,
    cancel_lead_min DOUBLE PRECISION,
    reason_code VARCHAR(128),
    local_date DATE,
    local_hour INTEGER
);
COMMENT ON TABLE fact_slot IS 'One row a booking state, with the time it was known: bookings as of any origin.';
COMMENT ON COLUMN fact_slot.slot_key IS 'hash(appointment or exam, valid_from)';
COMMENT ON COLUMN fact_slot.exam_key IS 'exam';
COMMENT ON COLUMN fact_slot.site_code IS 'site';
COMMENT ON COLUMN fact_slot.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_slot.modality IS 'canonical modality';
COMMENT ON COLUMN fact_slot.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_slot.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_slot.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_slot.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_slot.section IS 'reading section';
COMMENT ON COLUMN fact_slot.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_slot.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_slot.appointment_at IS 'booked start';
COMMENT ON COLUMN fact_slot.planned_duration_min IS 'booked length';
COMMENT ON COLUMN fact_slot.state IS 'booked, rescheduled, cancelled, no_show, arrived';
COMMENT ON COLUMN fact_slot.valid_from_at IS 'known from (decision 3)';
COMMENT ON COLUMN fact_slot.valid_to_at IS 'until the next state; NULL: still';
COMMENT ON COLUMN fact_slot.is_last IS 'the appointment''s last state';
COMMENT ON COLUMN fact_slot.lead_time_min IS 'U23: appointment - booking';
COMMENT ON COLUMN fact_slot.cancel_lead_min IS 'appointment - cancellation, cancelled states only';
COMMENT ON COLUMN fact_slot.reason_code IS 'cancelled by whom/why as coded';
COMMENT ON COLUMN fact_slot.local_date IS 'of the appointment';
COMMENT ON COLUMN fact_slot.local_hour IS 'of the appointment';
CREATE TABLE fact_acquisition (
    series_key BIGINT,
    exam_key BIGINT,
    site_code VARCHAR(64),
    scanner_code VARCHAR(64),
    modality VARCHAR(64),
    protocol_name VARCHAR(128),
    begin_at TIMESTAMP WITHOUT TIME ZONE,
    end_at TIMESTAMP WITHOUT TIME ZONE,
    instances INTEGER,
    size_bytes BIGINT,
    local_date DATE
);
COMMENT ON TABLE fact_acquisition IS 'One row a DICOM series.';
COMMENT ON COLUMN fact_acquisition.series_key IS 'hash(series)';
COMMENT ON COLUMN fact_acquisition.exam_key IS 'exam; 0 where unmatched';
COMMENT ON COLUMN fact_acquisition.site_code IS 'site';
COMMENT ON COLUMN fact_acquisition.scanner_code IS 'scanner';
COMMENT ON COLUMN fact_acquisition.modality IS 'modality';
COMMENT ON COLUMN fact_acquisition.protocol_name IS 'protocol';
COMMENT ON COLUMN fact_acquisition.begin_at IS 'first acquisition';
COMMENT ON COLUMN fact_acquisition.end_at IS 'last acquisition end';
COMMENT ON COLUMN fact_acquisition.instances IS 'instances';
COMMENT ON COLUMN fact_acquisition.size_bytes IS 'bytes';
COMMENT ON COLUMN fact_acquisition.local_date IS 'of begin';
CREATE TABLE fact_dose_event (
    irradiation_token VARCHAR(32),
    exam_key BIGINT,
    site_code VARCHAR(64),
    scanner_code VARCHAR(64),
    modality VARCHAR(64),
    procedure_group VARCHAR(64),
    protocol_name VARCHAR(128),
    acquisition_type VARCHAR(64),
    occurred_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    ctdivol_mgy DOUBLE PRECISION,
    phantom_cm INTEGER,
    dlp_mgy_cm DOUBLE PRECISION,
    ssde_mgy DOUBLE PRECISION,
    dap_gy_m2 DOUBLE PRECISION,
    dose_rp_gy DOUBLE PRECISION,
    agd_mgy DOUBLE PRECISION,
    laterality VARCHAR(64),
    activity_mbq DOUBLE PRECISION,
    dose_check VARCHAR(64)
);
COMMENT ON TABLE fact_dose_event IS 'One row an irradiation event, patients only.';
COMMENT ON COLUMN fact_dose_event.irradiation_token IS 'irradiation event';
COMMENT ON COLUMN fact_dose_event.exam_key IS 'exam; 0 where unmatched';
COMMENT ON COLUMN fact_dose_event.site_code IS 'site';
COMMENT ON COLUMN fact_dose_event.scanner_code IS 'scanner';
COMMENT ON COLUMN fact_dose_event.modality IS 'modality';
COMMENT ON COLUMN fact_dose_event.procedure_group IS 'of the exam';
COMMENT ON COLUMN fact_dose_event.protocol_name IS 'protocol';
COMMENT ON COLUMN fact_dose_event.acquisition_type IS 'code';
COMMENT ON COLUMN fact_dose_event.occurred_at IS 'start of irradiation';
COMMENT ON COLUMN fact_dose_event.local_date IS 'site-local';
COMMENT ON COLUMN fact_dose_event.ctdivol_mgy IS 'CTDIvol';
COMMENT ON COLUMN fact_dose_event.phantom_cm IS '16 or 32';
COMMENT ON COLUMN fact_dose_event.dlp_mgy_cm IS 'DLP';
COMMENT ON COLUMN fact_dose_event.ssde_mgy IS 'SSDE';
COMMENT ON COLUMN fact_dose_event.dap_gy_m2 IS 'DAP';
COMMENT ON COLUMN fact_dose_event.dose_rp_gy IS 'dose at reference point';
COMMENT ON COLUMN fact_dose_event.agd_mgy IS 'average glandular dose';
COMMENT ON COLUMN fact_dose_event.laterality IS 'L, R';
COMMENT ON COLUMN fact_dose_event.activity_mbq IS 'administered activity';
COMMENT ON COLUMN fact_dose_event.dose_check IS 'alert, notification';
CREATE TABLE fact_report_version (
    exam_key BIGINT,
    site_code VARCHAR(64),
    modality VARCHAR(64),
    version VARCHAR(64),
    signed_at TIMESTAMP WITHOUT TIME ZONE,
    reader VARCHAR(32),
    local_date DATE
);
COMMENT ON TABLE fact_report_version IS 'One row a report version.';
COMMENT ON COLUMN fact_report_version.exam_key IS 'exam';
COMMENT ON COLUMN fact_report_version.site_code IS 'site';
COMMENT ON COLUMN fact_report_version.modality IS 'modality';
COMMENT ON COLUMN fact_report_version.version IS 'prelim, final, addendum';
COMMENT ON COLUMN fact_report_version.signed_at IS 'when';
COMMENT ON COLUMN fact_report_version.reader IS 'pseudonym';
COMMENT ON COLUMN fact_report_version.local_date IS 'of signing';
CREATE TABLE fact_feed (
    feed_key VARCHAR(64),
    site_code VARCHAR(64),
    kind VARCHAR(64),
    data_until_at TIMESTAMP WITHOUT TIME ZONE,
    loaded_at TIMESTAMP WITHOUT TIME ZONE,
    expected_every_min INTEGER,
    events BIGINT,
    quarantined BIGINT,
    unmapped BIGINT,
    unlinked BIGINT
);
COMMENT ON TABLE fact_feed IS 'One row a feed: its state in this version.';
COMMENT ON COLUMN fact_feed.feed_key IS 'feed';
COMMENT ON COLUMN fact_feed.site_code IS 'site';
COMMENT ON COLUMN fact_feed.kind IS 'source kind';
COMMENT ON COLUMN fact_feed.data_until_at IS 'latest plausible event time: freshness is judged by it';
COMMENT ON COLUMN fact_feed.loaded_at IS 'last load';
COMMENT ON COLUMN fact_feed.expected_every_min IS 'configured rhythm';
COMMENT ON COLUMN fact_feed.events IS 'events held';
COMMENT ON COLUMN fact_feed.quarantined IS 'items in quarantine now';
COMMENT ON COLUMN fact_feed.unmapped IS 'events whose local code has no map';
COMMENT ON COLUMN fact_feed.unlinked IS 'events without an exam';
CREATE TABLE fact_quarantine (
    feed_key VARCHAR(64),
    site_code VARCHAR(64),
    reason VARCHAR(64),
    items BIGINT,
    last_refused_at TIMESTAMP WITHOUT TIME ZONE
);
COMMENT ON TABLE fact_quarantine IS 'Quarantine counted by feed and reason; no detail leaves the writer''s file.';
COMMENT ON COLUMN fact_quarantine.feed_key IS 'feed';
COMMENT ON COLUMN fact_quarantine.site_code IS 'site';
COMMENT ON COLUMN fact_quarantine.reason IS 'reason code';
COMMENT ON COLUMN fact_quarantine.items IS 'items';
COMMENT ON COLUMN fact_quarantine.last_refused_at IS 'last';
CREATE TABLE fact_run (
    run_key VARCHAR(64),
    feed_key VARCHAR(64),
    started_at TIMESTAMP WITHOUT TIME ZONE,
    finished_at TIMESTAMP WITHOUT TIME ZONE,
    outcome VARCHAR(64),
    message VARCHAR(1000),
    files INTEGER,
    offered INTEGER,
    loaded INTEGER,
    unchanged INTEGER,
    quarantined INTEGER,
    filtered INTEGER,
    events INTEGER,
    site_code VARCHAR(64)
);
COMMENT ON TABLE fact_run IS 'Copy of the last runs.';
COMMENT ON COLUMN fact_run.run_key IS 'run';
COMMENT ON COLUMN fact_run.feed_key IS 'feed';
COMMENT ON COLUMN fact_run.started_at IS 'wall clock';
COMMENT ON COLUMN fact_run.finished_at IS 'wall clock';
COMMENT ON COLUMN fact_run.outcome IS 'ok, stopped (e.g. column drift), failed';
COMMENT ON COLUMN fact_run.message IS 'why it stopped';
COMMENT ON COLUMN fact_run.files IS 'files read';
COMMENT ON COLUMN fact_run.offered IS 'items offered';
COMMENT ON COLUMN fact_run.loaded IS 'items with at least one new or better event';
COMMENT ON COLUMN fact_run.unchanged IS 'items whose events were all known';
COMMENT ON COLUMN fact_run.quarantined IS 'items refused';
COMMENT ON COLUMN fact_run.filtered IS 'items left out under a listed reason';
COMMENT ON COLUMN fact_run.events IS 'new events';
COMMENT ON COLUMN fact_run.site_code IS 'site';
CREATE TABLE fact_clock (
    site_code VARCHAR(64),
    scanner_code VARCHAR(64),
    n INTEGER,
    offset_min DOUBLE PRECISION,
    drift_min_per_day DOUBLE PRECISION,
    offset_mad_min DOUBLE PRECISION,
    verdict VARCHAR(64)
);
COMMENT ON TABLE fact_clock IS 'Clock skew found per scanner.';
COMMENT ON COLUMN fact_clock.site_code IS 'site';
COMMENT ON COLUMN fact_clock.scanner_code IS 'scanner';
COMMENT ON COLUMN fact_clock.n IS 'exams with both clocks';
COMMENT ON COLUMN fact_clock.offset_min IS 'device minus RIS, median over the recent window';
COMMENT ON COLUMN fact_clock.drift_min_per_day IS 'slope of the daily medians (Theil-Sen)';
COMMENT ON COLUMN fact_clock.offset_mad_min IS 'median absolute deviation';
COMMENT ON COLUMN fact_clock.verdict IS 'ok, skewed, drifting, unknown';
CREATE TABLE fact_completeness (
    site_code VARCHAR(64),
    modality VARCHAR(64),
    local_date DATE,
    milestone VARCHAR(64),
    expected BIGINT,
    present BIGINT
);
COMMENT ON TABLE fact_completeness IS 'Which milestones are missing, by day.';
COMMENT ON COLUMN fact_completeness.site_code IS 'site';
COMMENT ON COLUMN fact_completeness.modality IS 'modality';
COMMENT ON COLUMN fact_completeness.local_date IS 'of exam end (begin where there is no end)';
COMMENT ON COLUMN fact_completeness.milestone IS 'column of fact_exam';
COMMENT ON COLUMN fact_completeness.expected IS 'performed exams';
COMMENT ON COLUMN fact_completeness.present IS 'of these with the milestone';
CREATE TABLE fact_forecast (
    target VARCHAR(64),
    kpi VARCHAR(64),
    site_code VARCHAR(64),
    scanner_code VARCHAR(64),
    modality VARCHAR(64),
    exam_key BIGINT,
    issued_at TIMESTAMP WITHOUT TIME ZONE,
    hour_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    local_hour INTEGER,
    value DOUBLE PRECISION,
    low_80 DOUBLE PRECISION,
    high_80 DOUBLE PRECISION,
    low_95 DOUBLE PRECISION,
    high_95 DOUBLE PRECISION,
    probability DOUBLE PRECISION,
    expected_at TIMESTAMP WITHOUT TIME ZONE,
    served VARCHAR(64),
    model_hash VARCHAR(64)
);
COMMENT ON TABLE fact_forecast IS 'Forecasts as served.';
COMMENT ON COLUMN fact_forecast.target IS 'forecast key, e.g. scanner_demand';
COMMENT ON COLUMN fact_forecast.kpi IS 'KPI key it forecasts';
COMMENT ON COLUMN fact_forecast.site_code IS 'site';
COMMENT ON COLUMN fact_forecast.scanner_code IS 'scanner';
COMMENT ON COLUMN fact_forecast.modality IS 'modality';
COMMENT ON COLUMN fact_forecast.exam_key IS 'open exam (report forecasts); NULL otherwise';
COMMENT ON COLUMN fact_forecast.issued_at IS 'origin';
COMMENT ON COLUMN fact_forecast.hour_at IS 'hour forecast; NULL for exam forecasts';
COMMENT ON COLUMN fact_forecast.local_date IS 'site-local';
COMMENT ON COLUMN fact_forecast.local_hour IS 'site-local';
COMMENT ON COLUMN fact_forecast.value IS 'point forecast (mean or median)';
COMMENT ON COLUMN fact_forecast.low_80 IS '10 % quantile';
COMMENT ON COLUMN fact_forecast.high_80 IS '90 % quantile';
COMMENT ON COLUMN fact_forecast.low_95 IS '2.5 % quantile';
COMMENT ON COLUMN fact_forecast.high_95 IS '97.5 % quantile';
COMMENT ON COLUMN fact_forecast.probability IS 'probability to exceed the target (report forecasts)';
COMMENT ON COLUMN fact_forecast.expected_at IS 'expected report time (report forecasts)';
COMMENT ON COLUMN fact_forecast.served IS 'model or the baseline that took over';
COMMENT ON COLUMN fact_forecast.model_hash IS 'SHA-256 of the model file';
CREATE TABLE fact_backtest (
    target VARCHAR(64),
    model VARCHAR(64),
    site_code VARCHAR(64),
    scanner_code VARCHAR(64),
    metric VARCHAR(64),
    value DOUBLE PRECISION,
    low DOUBLE PRECISION,
    high DOUBLE PRECISION,
    origins INTEGER,
    n BIGINT,
    is_served BOOLEAN
);
COMMENT ON TABLE fact_backtest IS 'Rolling-origin backtests beside their baselines.';
COMMENT ON COLUMN fact_backtest.target IS 'forecast key';
COMMENT ON COLUMN fact_backtest.model IS 'model or baseline';
COMMENT ON COLUMN fact_backtest.site_code IS ''''' for all';
COMMENT ON COLUMN fact_backtest.scanner_code IS ''''' for all';
COMMENT ON COLUMN fact_backtest.metric IS 'mase, pinball, coverage_80, coverage_95, mae, brier, auc ...';
COMMENT ON COLUMN fact_backtest.value IS 'value';
COMMENT ON COLUMN fact_backtest.low IS 'bootstrap interval, where computed';
COMMENT ON COLUMN fact_backtest.high IS 'bootstrap interval, where computed';
COMMENT ON COLUMN fact_backtest.origins IS 'rolling origins';
COMMENT ON COLUMN fact_backtest.n IS 'cases';
COMMENT ON COLUMN fact_backtest.is_served IS 'whether this one is served';
CREATE TABLE dim_site (
    site_code VARCHAR(64),
    name VARCHAR(128),
    zone VARCHAR(64)
);
COMMENT ON TABLE dim_site IS 'Sites.';
COMMENT ON COLUMN dim_site.site_code IS 'site';
COMMENT ON COLUMN dim_site.name IS 'name';
COMMENT ON COLUMN dim_site.zone IS 'IANA zone';
CREATE TABLE dim_scanner (
    scanner_code VARCHAR(64),
    site_code VARCHAR(64),
    modality VARCHAR(64),
    name VARCHAR(128)
);
COMMENT ON TABLE dim_scanner IS 'Scanners.';
COMMENT ON COLUMN dim_scanner.scanner_code IS 'scanner';
COMMENT ON COLUMN dim_scanner.site_code IS 'site';
COMMENT ON COLUMN dim_scanner.modality IS 'modality';
COMMENT ON COLUMN dim_scanner.name IS 'name';
CREATE TABLE dim_patient (
    patient_token VARCHAR(32),
    patient_key BIGINT
);
COMMENT ON TABLE dim_patient IS 'Patient tokens and the patient they belong to now.';
COMMENT ON COLUMN dim_patient.patient_token IS 'token as sent';
COMMENT ON COLUMN dim_patient.patient_key IS 'patient after merges';
