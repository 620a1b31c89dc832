-- Facts of dose, frozen. Runs on DuckDB and PostgreSQL.
ALTER TABLE event_dose ADD COLUMN view_code VARCHAR(64);
ALTER TABLE event_dose ADD COLUMN thickness_mm DOUBLE PRECISION;
ALTER TABLE event_dose ADD COLUMN diameter_mm DOUBLE PRECISION;
COMMENT ON COLUMN event_dose.view_code IS 'DCM 111031 code value';
COMMENT ON COLUMN event_dose.thickness_mm IS 'DCM 111633: compressed breast';
COMMENT ON COLUMN event_dose.diameter_mm IS 'DCM 113980 water equivalent diameter, else DCM 113933 effective diameter';
ALTER TABLE fact_dose_event ADD COLUMN procedure_code VARCHAR(128);
ALTER TABLE fact_dose_event ADD COLUMN priority VARCHAR(64);
ALTER TABLE fact_dose_event ADD COLUMN patient_class VARCHAR(64);
ALTER TABLE fact_dose_event ADD COLUMN section VARCHAR(64);
ALTER TABLE fact_dose_event ADD COLUMN shift VARCHAR(64);
ALTER TABLE fact_dose_event ADD COLUMN reader_mode VARCHAR(64);
ALTER TABLE fact_dose_event ADD COLUMN target_region VARCHAR(64);
ALTER TABLE fact_dose_event ADD COLUMN fluoro_time_s DOUBLE PRECISION;
ALTER TABLE fact_dose_event ADD COLUMN exposure_view VARCHAR(64);
ALTER TABLE fact_dose_event ADD COLUMN thickness_mm DOUBLE PRECISION;
ALTER TABLE fact_dose_event ADD COLUMN diameter_mm DOUBLE PRECISION;
COMMENT ON COLUMN fact_dose_event.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_dose_event.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_dose_event.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_dose_event.section IS 'reading section';
COMMENT ON COLUMN fact_dose_event.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_dose_event.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_dose_event.target_region IS 'code';
COMMENT ON COLUMN fact_dose_event.fluoro_time_s IS 'fluoroscopy time';
COMMENT ON COLUMN fact_dose_event.exposure_view IS 'view of a mammogram: CC, MLO, ..; else as coded';
COMMENT ON COLUMN fact_dose_event.thickness_mm IS 'compressed breast';
COMMENT ON COLUMN fact_dose_event.diameter_mm IS 'patient''s diameter behind the SSDE';
CREATE TABLE fact_dose_exam (
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
    protocol_name VARCHAR(128),
    phantom VARCHAR(64),
    age_years INTEGER,
    diameter_mm DOUBLE PRECISION,
    exam_end_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    local_hour INTEGER,
    plan VARCHAR(64),
    has_dose_report BOOLEAN,
    ctdivol_mgy DOUBLE PRECISION,
    ssde_mgy DOUBLE PRECISION,
    dlp_mgy_cm DOUBLE PRECISION,
    dap_gy_cm2 DOUBLE PRECISION,
    dose_rp_mgy DOUBLE PRECISION,
    fluoro_time_min DOUBLE PRECISION,
    activity_mbq DOUBLE PRECISION,
    has_alert BOOLEAN,
    has_notification BOOLEAN,
    over_dap BOOLEAN,
    over_dose_rp BOOLEAN,
    over_fluoro_time BOOLEAN,
    over_level BOOLEAN,
    ct_category VARCHAR(64),
    ct_adjusted_mgy_cm DOUBLE PRECISION,
    ct_limit_mgy_cm DOUBLE PRECISION
);
COMMENT ON TABLE fact_dose_exam IS 'One row a performed exam of a modality that irradiates.';
COMMENT ON COLUMN fact_dose_exam.exam_key IS 'exam';
COMMENT ON COLUMN fact_dose_exam.accession_token IS 'pseudonym to find the exam in the RIS with';
COMMENT ON COLUMN fact_dose_exam.patient_key IS 'patient after merges';
COMMENT ON COLUMN fact_dose_exam.site_code IS 'site';
COMMENT ON COLUMN fact_dose_exam.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_dose_exam.modality IS 'canonical modality';
COMMENT ON COLUMN fact_dose_exam.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_dose_exam.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_dose_exam.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_dose_exam.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_dose_exam.section IS 'reading section';
COMMENT ON COLUMN fact_dose_exam.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_dose_exam.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_dose_exam.protocol_name IS 'protocol of the irradiation that gave most';
COMMENT ON COLUMN fact_dose_exam.phantom IS '16 cm or 32 cm behind the CTDIvol; mixed where scans differ; NULL beside CT';
COMMENT ON COLUMN fact_dose_exam.age_years IS 'year of the exam less year of birth: known to a year';
COMMENT ON COLUMN fact_dose_exam.diameter_mm IS 'patient''s diameter as reports tell it, median over the scans';
COMMENT ON COLUMN fact_dose_exam.exam_end_at IS 'end of the exam';
COMMENT ON COLUMN fact_dose_exam.local_date IS 'site-local date of the end';
COMMENT ON COLUMN fact_dose_exam.local_hour IS 'site-local hour of the end';
COMMENT ON COLUMN fact_dose_exam.plan IS 'within plan, over plan (a quarter longer than planned, or more); NULL: not planned';
COMMENT ON COLUMN fact_dose_exam.has_dose_report IS 'a dose report tells of it (an image header is none)';
COMMENT ON COLUMN fact_dose_exam.ctdivol_mgy IS 'largest CTDIvol of its scans';
COMMENT ON COLUMN fact_dose_exam.ssde_mgy IS 'largest SSDE of its scans';
COMMENT ON COLUMN fact_dose_exam.dlp_mgy_cm IS 'sum of DLP';
COMMENT ON COLUMN fact_dose_exam.dap_gy_cm2 IS 'sum of dose area product';
COMMENT ON COLUMN fact_dose_exam.dose_rp_mgy IS 'sum of dose at the reference point';
COMMENT ON COLUMN fact_dose_exam.fluoro_time_min IS 'sum of fluoroscopy time';
COMMENT ON COLUMN fact_dose_exam.activity_mbq IS 'sum of administered activity';
COMMENT ON COLUMN fact_dose_exam.has_alert IS 'a dose alert came up (DCM 113900)';
COMMENT ON COLUMN fact_dose_exam.has_notification IS 'a dose notification came up (DCM 113908)';
COMMENT ON COLUMN fact_dose_exam.over_dap IS 'dose area product above the site''s level; NULL: no level or no value';
COMMENT ON COLUMN fact_dose_exam.over_dose_rp IS 'dose at the reference point above the site''s level';
COMMENT ON COLUMN fact_dose_exam.over_fluoro_time IS 'fluoroscopy time above the site''s level';
COMMENT ON COLUMN fact_dose_exam.over_level IS 'any of the three above its level; NULL: none can be judged';
COMMENT ON COLUMN fact_dose_exam.ct_category IS 'category of the loaded CT measure reference; NULL: none';
COMMENT ON COLUMN fact_dose_exam.ct_adjusted_mgy_cm IS 'DLP adjusted to the patient''s size as the loaded reference says';
COMMENT ON COLUMN fact_dose_exam.ct_limit_mgy_cm IS 'limit of that category in the loaded reference';
CREATE TABLE fact_dose_value (
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
    protocol_name VARCHAR(128),
    phantom VARCHAR(64),
    age_years INTEGER,
    diameter_mm DOUBLE PRECISION,
    exam_end_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    local_hour INTEGER,
    plan VARCHAR(64),
    quantity VARCHAR(64),
    laterality VARCHAR(64),
    value DOUBLE PRECISION,
    reference_value DOUBLE PRECISION,
    achievable_value DOUBLE PRECISION,
    relative_value DOUBLE PRECISION,
    reference_band VARCHAR(64),
    reference_source VARCHAR(128),
    reference_version VARCHAR(64)
);
COMMENT ON TABLE fact_dose_value IS 'One row an exam, quantity, phantom and breast, with the reference its group is compared with.';
COMMENT ON COLUMN fact_dose_value.exam_key IS 'exam';
COMMENT ON COLUMN fact_dose_value.accession_token IS 'pseudonym to find the exam in the RIS with';
COMMENT ON COLUMN fact_dose_value.patient_key IS 'patient after merges';
COMMENT ON COLUMN fact_dose_value.site_code IS 'site';
COMMENT ON COLUMN fact_dose_value.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_dose_value.modality IS 'canonical modality';
COMMENT ON COLUMN fact_dose_value.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_dose_value.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_dose_value.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_dose_value.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_dose_value.section IS 'reading section';
COMMENT ON COLUMN fact_dose_value.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_dose_value.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_dose_value.protocol_name IS 'protocol of the irradiation that gave most';
COMMENT ON COLUMN fact_dose_value.phantom IS '16 cm or 32 cm behind the CTDIvol; mixed where scans differ; NULL beside CT';
COMMENT ON COLUMN fact_dose_value.age_years IS 'year of the exam less year of birth: known to a year';
COMMENT ON COLUMN fact_dose_value.diameter_mm IS 'patient''s diameter as reports tell it, median over the scans';
COMMENT ON COLUMN fact_dose_value.exam_end_at IS 'end of the exam';
COMMENT ON COLUMN fact_dose_value.local_date IS 'site-local date of the end';
COMMENT ON COLUMN fact_dose_value.local_hour IS 'site-local hour of the end';
COMMENT ON COLUMN fact_dose_value.plan IS 'within plan, over plan (a quarter longer than planned, or more); NULL: not planned';
COMMENT ON COLUMN fact_dose_value.quantity IS 'CTDIvol, DLP, SSDE, DAP, dose RP, fluoro time, AGD, activity';
COMMENT ON COLUMN fact_dose_value.laterality IS 'L, R: the breast of an AGD';
COMMENT ON COLUMN fact_dose_value.value IS 'mGy, mGy.cm, Gy.cm2, min or MBq, by quantity';
COMMENT ON COLUMN fact_dose_value.reference_value IS 'diagnostic reference level of its group that held on the day; NULL: none loaded';
COMMENT ON COLUMN fact_dose_value.achievable_value IS 'achievable value beside it';
COMMENT ON COLUMN fact_dose_value.relative_value IS 'value / reference_value';
COMMENT ON COLUMN fact_dose_value.reference_band IS 'its bands of age and size as loaded; empty: all';
COMMENT ON COLUMN fact_dose_value.reference_source IS 'source of the reference';
COMMENT ON COLUMN fact_dose_value.reference_version IS 'version of the loaded table';
CREATE TABLE fact_dose_protocol (
    site_code VARCHAR(64),
    modality VARCHAR(64),
    protocol_name VARCHAR(128),
    phantom VARCHAR(64),
    quantity VARCHAR(64),
    n BIGINT,
    median_value DOUBLE PRECISION,
    log_median DOUBLE PRECISION,
    log_mad DOUBLE PRECISION
);
COMMENT ON TABLE fact_dose_protocol IS 'What a protocol usually gives, against which outliers are judged.';
COMMENT ON COLUMN fact_dose_protocol.site_code IS 'site';
COMMENT ON COLUMN fact_dose_protocol.modality IS 'modality';
COMMENT ON COLUMN fact_dose_protocol.protocol_name IS 'protocol';
COMMENT ON COLUMN fact_dose_protocol.phantom IS '16 cm, 32 cm, mixed';
COMMENT ON COLUMN fact_dose_protocol.quantity IS 'as in fact_dose_value';
COMMENT ON COLUMN fact_dose_protocol.n IS 'values';
COMMENT ON COLUMN fact_dose_protocol.median_value IS 'median';
COMMENT ON COLUMN fact_dose_protocol.log_median IS 'median of the natural logarithms';
COMMENT ON COLUMN fact_dose_protocol.log_mad IS 'median absolute deviation of the logarithms; NULL: too few values, or none differ';
CREATE TABLE fact_dose_patient (
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
    protocol_name VARCHAR(128),
    phantom VARCHAR(64),
    age_years INTEGER,
    diameter_mm DOUBLE PRECISION,
    exam_end_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    local_hour INTEGER,
    plan VARCHAR(64),
    quantity VARCHAR(64),
    value DOUBLE PRECISION,
    rolling_value DOUBLE PRECISION,
    rolling_exams BIGINT,
    window_from DATE,
    level_value DOUBLE PRECISION,
    is_over BOOLEAN,
    is_crossing BOOLEAN,
    is_last BOOLEAN
);
COMMENT ON TABLE fact_dose_patient IS 'One row an exam with its patient''s rolling sum up to it: a register for review, never a risk.';
COMMENT ON COLUMN fact_dose_patient.exam_key IS 'exam';
COMMENT ON COLUMN fact_dose_patient.accession_token IS 'pseudonym to find the exam in the RIS with';
COMMENT ON COLUMN fact_dose_patient.patient_key IS 'patient after merges';
COMMENT ON COLUMN fact_dose_patient.site_code IS 'site';
COMMENT ON COLUMN fact_dose_patient.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_dose_patient.modality IS 'canonical modality';
COMMENT ON COLUMN fact_dose_patient.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_dose_patient.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_dose_patient.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_dose_patient.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_dose_patient.section IS 'reading section';
COMMENT ON COLUMN fact_dose_patient.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_dose_patient.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_dose_patient.protocol_name IS 'protocol of the irradiation that gave most';
COMMENT ON COLUMN fact_dose_patient.phantom IS '16 cm or 32 cm behind the CTDIvol; mixed where scans differ; NULL beside CT';
COMMENT ON COLUMN fact_dose_patient.age_years IS 'year of the exam less year of birth: known to a year';
COMMENT ON COLUMN fact_dose_patient.diameter_mm IS 'patient''s diameter as reports tell it, median over the scans';
COMMENT ON COLUMN fact_dose_patient.exam_end_at IS 'end of the exam';
COMMENT ON COLUMN fact_dose_patient.local_date IS 'site-local date of the end';
COMMENT ON COLUMN fact_dose_patient.local_hour IS 'site-local hour of the end';
COMMENT ON COLUMN fact_dose_patient.plan IS 'within plan, over plan (a quarter longer than planned, or more); NULL: not planned';
COMMENT ON COLUMN fact_dose_patient.quantity IS 'DLP or DAP';
COMMENT ON COLUMN fact_dose_patient.value IS 'this exam''s';
COMMENT ON COLUMN fact_dose_patient.rolling_value IS 'sum of the patient''s exams in the window that ends with this one';
COMMENT ON COLUMN fact_dose_patient.rolling_exams IS 'exams in that sum';
COMMENT ON COLUMN fact_dose_patient.window_from IS 'first date of the window';
COMMENT ON COLUMN fact_dose_patient.level_value IS 'site''s level for the sum on the day; NULL: none set';
COMMENT ON COLUMN fact_dose_patient.is_over IS 'the sum lies above the level; NULL: no level';
COMMENT ON COLUMN fact_dose_patient.is_crossing IS 'this exam brought it above';
COMMENT ON COLUMN fact_dose_patient.is_last IS 'the patient''s latest exam with this quantity';
COMMENT ON COLUMN fact_dose_event.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_dose_event.modality IS 'canonical modality';
COMMENT ON COLUMN fact_dose_event.procedure_group IS 'standard procedure group';
