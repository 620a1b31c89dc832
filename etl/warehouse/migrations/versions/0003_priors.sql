-- Priors, repeats and appropriateness, frozen. Runs on DuckDB and PostgreSQL.
ALTER TABLE fact_exam ADD COLUMN prior_requested_at TIMESTAMP WITHOUT TIME ZONE;
COMMENT ON COLUMN fact_exam.prior_requested_at IS 'first transfer of a prior asked for (SOLE112)';
ALTER TABLE fact_exam ADD COLUMN prior_available_at TIMESTAMP WITHOUT TIME ZONE;
COMMENT ON COLUMN fact_exam.prior_available_at IS 'first such transfer finished (SOLE113)';
ALTER TABLE fact_exam ADD COLUMN order_reason_code VARCHAR(128);
COMMENT ON COLUMN fact_exam.order_reason_code IS 'coded reason the order was entered with (ORC-16)';
CREATE TABLE fact_prior (
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
    body_region VARCHAR(64),
    modality_family VARCHAR(64),
    patient_key BIGINT,
    is_performed BOOLEAN,
    order_local_date DATE,
    order_local_hour INTEGER,
    local_date DATE,
    local_hour INTEGER,
    exam_begin_at TIMESTAMP WITHOUT TIME ZONE,
    exam_end_at TIMESTAMP WITHOUT TIME ZONE,
    read_began_at TIMESTAMP WITHOUT TIME ZONE,
    history_days DOUBLE PRECISION,
    prior_exam_key BIGINT,
    prior_begin_at TIMESTAMP WITHOUT TIME ZONE,
    prior_days DOUBLE PRECISION,
    prior_online_at TIMESTAMP WITHOUT TIME ZONE,
    is_prior_elsewhere BOOLEAN,
    prior_requested_at TIMESTAMP WITHOUT TIME ZONE,
    prior_available_at TIMESTAMP WITHOUT TIME ZONE,
    prior_transfer_min DOUBLE PRECISION,
    is_prior_known BOOLEAN,
    is_prior_online BOOLEAN,
    reason VARCHAR(128),
    reason_class VARCHAR(64),
    rating VARCHAR(128),
    rated_at TIMESTAMP WITHOUT TIME ZONE
);
COMMENT ON TABLE fact_prior IS 'One row an exam: its relevant prior, the repeat it makes, and how appropriate the order was rated.';
COMMENT ON COLUMN fact_prior.exam_key IS 'exam';
COMMENT ON COLUMN fact_prior.site_code IS 'site';
COMMENT ON COLUMN fact_prior.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_prior.modality IS 'canonical modality';
COMMENT ON COLUMN fact_prior.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_prior.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_prior.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_prior.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_prior.section IS 'reading section';
COMMENT ON COLUMN fact_prior.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_prior.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_prior.body_region IS 'regions of the procedure group, separated by blanks; NULL: not comparable';
COMMENT ON COLUMN fact_prior.modality_family IS 'modalities compared with each other';
COMMENT ON COLUMN fact_prior.patient_key IS 'patient after merges';
COMMENT ON COLUMN fact_prior.is_performed IS 'as in fact_exam';
COMMENT ON COLUMN fact_prior.order_local_date IS 'of order_entered_at';
COMMENT ON COLUMN fact_prior.order_local_hour IS 'of order_entered_at';
COMMENT ON COLUMN fact_prior.local_date IS 'of exam_end_at';
COMMENT ON COLUMN fact_prior.local_hour IS 'of exam_end_at';
COMMENT ON COLUMN fact_prior.exam_begin_at IS 'chosen begin';
COMMENT ON COLUMN fact_prior.exam_end_at IS 'chosen end';
COMMENT ON COLUMN fact_prior.read_began_at IS 'opened, else dictated, else first communication';
COMMENT ON COLUMN fact_prior.history_days IS 'days from the site''s first performed exam to this begin: how far back is known';
COMMENT ON COLUMN fact_prior.prior_exam_key IS 'latest earlier exam of the patient, same family and a region in common, another visit';
COMMENT ON COLUMN fact_prior.prior_begin_at IS 'begin of that visit';
COMMENT ON COLUMN fact_prior.prior_days IS 'exam_begin_at - prior_begin_at';
COMMENT ON COLUMN fact_prior.prior_online_at IS 'all images of that visit in the archive; NULL where not known';
COMMENT ON COLUMN fact_prior.is_prior_elsewhere IS 'that visit was at another site';
COMMENT ON COLUMN fact_prior.prior_requested_at IS 'transfer of a prior asked for (SOLE112)';
COMMENT ON COLUMN fact_prior.prior_available_at IS 'transfer finished (SOLE113)';
COMMENT ON COLUMN fact_prior.prior_transfer_min IS 'P01: prior_available_at - prior_requested_at';
COMMENT ON COLUMN fact_prior.is_prior_known IS 'a transfer was asked for, or the prior is recent enough to be relevant';
COMMENT ON COLUMN fact_prior.is_prior_online IS 'P01: it could be seen when reading began; NULL while not read or not known';
COMMENT ON COLUMN fact_prior.reason IS 'coded reason of the order';
COMMENT ON COLUMN fact_prior.reason_class IS 'redundant, technical, clinical: what the reason says of the repeat';
COMMENT ON COLUMN fact_prior.rating IS 'decision support: appropriate, may_be, rarely, none';
COMMENT ON COLUMN fact_prior.rated_at IS 'when decision support was asked';
