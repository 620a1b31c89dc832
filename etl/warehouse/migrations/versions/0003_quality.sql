-- Facts of quality and of AI beside the reader. Runs on DuckDB and PostgreSQL.
CREATE TABLE fact_peer_review (
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
    reviewed_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    local_hour INTEGER,
    score INTEGER,
    is_significant BOOLEAN,
    arbitration VARCHAR(128)
);
COMMENT ON TABLE fact_peer_review IS 'One row a peer review, without the persons.';
COMMENT ON COLUMN fact_peer_review.exam_key IS 'exam reviewed; 0 where the row names none or it is unmatched';
COMMENT ON COLUMN fact_peer_review.site_code IS 'site';
COMMENT ON COLUMN fact_peer_review.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_peer_review.modality IS 'canonical modality';
COMMENT ON COLUMN fact_peer_review.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_peer_review.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_peer_review.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_peer_review.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_peer_review.section IS 'reading section';
COMMENT ON COLUMN fact_peer_review.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_peer_review.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_peer_review.reviewed_at IS 'when reviewed';
COMMENT ON COLUMN fact_peer_review.local_date IS 'site-local date of the review';
COMMENT ON COLUMN fact_peer_review.local_hour IS 'site-local hour of the review';
COMMENT ON COLUMN fact_peer_review.score IS '1, 2 or 3 of the review scale; NULL where the code is none of them';
COMMENT ON COLUMN fact_peer_review.is_significant IS 'letter b: likely clinically significant';
COMMENT ON COLUMN fact_peer_review.arbitration IS 'outcome of the arbitration as coded';
CREATE TABLE fact_quality (
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
    exams INTEGER,
    is_reported BOOLEAN,
    is_reviewed BOOLEAN,
    submissions INTEGER,
    great_calls INTEGER,
    incidents INTEGER,
    wrong_exams INTEGER,
    falls INTEGER,
    extravasations INTEGER,
    other_incidents INTEGER,
    images INTEGER,
    protocol_images INTEGER,
    extra_images INTEGER,
    protocol_name VARCHAR(128),
    is_standard_protocol BOOLEAN,
    qc_reject_at TIMESTAMP WITHOUT TIME ZONE,
    reason VARCHAR(128),
    redone_at TIMESTAMP WITHOUT TIME ZONE
);
COMMENT ON TABLE fact_quality IS 'One row a performed exam, and one an incident or submission that names none.';
COMMENT ON COLUMN fact_quality.exam_key IS 'performed exam; 0 where an incident or submission names none';
COMMENT ON COLUMN fact_quality.site_code IS 'site';
COMMENT ON COLUMN fact_quality.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_quality.modality IS 'canonical modality';
COMMENT ON COLUMN fact_quality.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_quality.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_quality.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_quality.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_quality.section IS 'reading section';
COMMENT ON COLUMN fact_quality.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_quality.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_quality.exam_end_at IS 'end of the exam';
COMMENT ON COLUMN fact_quality.local_date IS 'site-local date of exam end, else of the incident or submission';
COMMENT ON COLUMN fact_quality.local_hour IS 'its hour';
COMMENT ON COLUMN fact_quality.exams IS '1 for a performed exam, 0 for what names none';
COMMENT ON COLUMN fact_quality.is_reported IS 'has a final report: eligible for peer review';
COMMENT ON COLUMN fact_quality.is_reviewed IS 'has at least one peer review';
COMMENT ON COLUMN fact_quality.submissions IS 'cases handed in to learn from';
COMMENT ON COLUMN fact_quality.great_calls IS 'of these, great calls';
COMMENT ON COLUMN fact_quality.incidents IS 'wrong exam, side or patient, falls, extravasations';
COMMENT ON COLUMN fact_quality.wrong_exams IS 'of these, wrong exam, side or patient';
COMMENT ON COLUMN fact_quality.falls IS 'of these, falls';
COMMENT ON COLUMN fact_quality.extravasations IS 'of these, extravasations';
COMMENT ON COLUMN fact_quality.other_incidents IS 'incidents of other types';
COMMENT ON COLUMN fact_quality.images IS 'accepted images the archive holds; NULL without any';
COMMENT ON COLUMN fact_quality.protocol_images IS 'images the site''s standard asks for; NULL without a standard';
COMMENT ON COLUMN fact_quality.extra_images IS 'images beyond that number; NULL where either is unknown';
COMMENT ON COLUMN fact_quality.protocol_name IS 'first protocol outside of the standard, else the first one';
COMMENT ON COLUMN fact_quality.is_standard_protocol IS 'all protocols are in the site''s standard; NULL without a standard or images';
COMMENT ON COLUMN fact_quality.qc_reject_at IS 'first refusal at quality control';
COMMENT ON COLUMN fact_quality.reason IS 'coded reason of that refusal';
COMMENT ON COLUMN fact_quality.redone_at IS 'when the same procedure was done again within 7 days of a refused exam';
CREATE TABLE fact_reject (
    site_code VARCHAR(64),
    scanner_code VARCHAR(64),
    modality VARCHAR(64),
    exposure_view VARCHAR(128),
    reason VARCHAR(128),
    local_date DATE,
    rejected BIGINT,
    accepted BIGINT,
    exposures BIGINT
);
COMMENT ON TABLE fact_reject IS 'One row a room, view, day and reason of rejected exposures.';
COMMENT ON COLUMN fact_reject.site_code IS 'site';
COMMENT ON COLUMN fact_reject.scanner_code IS 'room''s scanner';
COMMENT ON COLUMN fact_reject.modality IS 'modality';
COMMENT ON COLUMN fact_reject.exposure_view IS 'view';
COMMENT ON COLUMN fact_reject.reason IS 'why rejected';
COMMENT ON COLUMN fact_reject.local_date IS 'site-local date';
COMMENT ON COLUMN fact_reject.rejected IS 'exposures rejected: never reached the reader';
COMMENT ON COLUMN fact_reject.accepted IS 'exposures accepted of this room and view, on one of the day''s rows';
COMMENT ON COLUMN fact_reject.exposures IS 'rejected and accepted';
CREATE TABLE fact_reference (
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
    finding VARCHAR(128),
    is_called BOOLEAN,
    is_present BOOLEAN,
    known_from_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    local_hour INTEGER
);
COMMENT ON TABLE fact_reference IS 'One row a reference result of an exam.';
COMMENT ON COLUMN fact_reference.exam_key IS 'exam; 0 where the row names none or it is unmatched';
COMMENT ON COLUMN fact_reference.site_code IS 'site';
COMMENT ON COLUMN fact_reference.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_reference.modality IS 'canonical modality';
COMMENT ON COLUMN fact_reference.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_reference.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_reference.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_reference.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_reference.section IS 'reading section';
COMMENT ON COLUMN fact_reference.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_reference.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_reference.finding IS 'condition the reference tells of';
COMMENT ON COLUMN fact_reference.is_called IS 'the report called it';
COMMENT ON COLUMN fact_reference.is_present IS 'the reference found it';
COMMENT ON COLUMN fact_reference.known_from_at IS 'when the reference was established';
COMMENT ON COLUMN fact_reference.local_date IS 'site-local date of exam end, else of the reference';
COMMENT ON COLUMN fact_reference.local_hour IS 'its hour';
CREATE TABLE fact_ai_result (
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
    algorithm VARCHAR(128),
    ai_use VARCHAR(64),
    hours VARCHAR(64),
    local_date DATE,
    local_hour INTEGER,
    result VARCHAR(64),
    score DOUBLE PRECISION,
    postproc_begin_at TIMESTAMP WITHOUT TIME ZONE,
    postproc_end_at TIMESTAMP WITHOUT TIME ZONE,
    latency_min DOUBLE PRECISION,
    is_before_read BOOLEAN,
    judged_at TIMESTAMP WITHOUT TIME ZONE,
    is_agreed BOOLEAN,
    reason VARCHAR(128),
    is_reported BOOLEAN,
    is_adjudicated BOOLEAN,
    is_present BOOLEAN,
    images_available_at TIMESTAMP WITHOUT TIME ZONE,
    read_opened_at TIMESTAMP WITHOUT TIME ZONE,
    unread_wait_min DOUBLE PRECISION,
    queue INTEGER,
    flagged_difference_min DOUBLE PRECISION,
    before_difference_min DOUBLE PRECISION
);
COMMENT ON TABLE fact_ai_result IS 'One row an exam and algorithm: in use, before it was, at sites without it, or with a result.';
COMMENT ON COLUMN fact_ai_result.exam_key IS 'exam';
COMMENT ON COLUMN fact_ai_result.site_code IS 'site';
COMMENT ON COLUMN fact_ai_result.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_ai_result.modality IS 'canonical modality';
COMMENT ON COLUMN fact_ai_result.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_ai_result.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_ai_result.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_ai_result.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_ai_result.section IS 'reading section';
COMMENT ON COLUMN fact_ai_result.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_ai_result.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_ai_result.algorithm IS 'algorithm';
COMMENT ON COLUMN fact_ai_result.ai_use IS 'in_use, before (it came into use), control (another site), unlisted (result without a listed use)';
COMMENT ON COLUMN fact_ai_result.hours IS 'work (shift day), off';
COMMENT ON COLUMN fact_ai_result.local_date IS 'site-local date of images available, else exam end, else result';
COMMENT ON COLUMN fact_ai_result.local_hour IS 'its hour';
COMMENT ON COLUMN fact_ai_result.result IS 'positive, negative, failed; NULL without a result';
COMMENT ON COLUMN fact_ai_result.score IS 'score as sent';
COMMENT ON COLUMN fact_ai_result.postproc_begin_at IS 'postproc_begin';
COMMENT ON COLUMN fact_ai_result.postproc_end_at IS 'postproc_end: the result was there';
COMMENT ON COLUMN fact_ai_result.latency_min IS 'postproc_end - postproc_begin';
COMMENT ON COLUMN fact_ai_result.is_before_read IS 'a usable result was there before the read began';
COMMENT ON COLUMN fact_ai_result.judged_at IS 'when the reader judged the result';
COMMENT ON COLUMN fact_ai_result.is_agreed IS 'the reader agreed with the result; NULL while not judged';
COMMENT ON COLUMN fact_ai_result.reason IS 'why the reader did not agree';
COMMENT ON COLUMN fact_ai_result.is_reported IS 'the report has the finding: the result, or its opposite where the reader disagreed';
COMMENT ON COLUMN fact_ai_result.is_adjudicated IS 'a human looked again';
COMMENT ON COLUMN fact_ai_result.is_present IS 'the finding is there: as adjudicated, else as reported';
COMMENT ON COLUMN fact_ai_result.images_available_at IS 'images_available: the wait begins';
COMMENT ON COLUMN fact_ai_result.read_opened_at IS 'read_opened, else the first report: the wait ends';
COMMENT ON COLUMN fact_ai_result.unread_wait_min IS 'wait from images available to the read';
COMMENT ON COLUMN fact_ai_result.queue IS 'unread exams of the section, at all sites, when the images came';
COMMENT ON COLUMN fact_ai_result.flagged_difference_min IS 'flagged exams: wait minus the median of like exams the AI did not flag';
COMMENT ON COLUMN fact_ai_result.before_difference_min IS 'exams of an algorithm in use: wait minus the median of like exams before';
COMMENT ON COLUMN event_entry.kind IS 'EntryKind';
COMMENT ON COLUMN fact_entry.kind IS 'EntryKind';
