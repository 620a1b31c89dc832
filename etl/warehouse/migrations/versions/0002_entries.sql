-- Lists of the department's own and requested-procedure ids, frozen. Runs on DuckDB and PostgreSQL.
COMMENT ON COLUMN fact_exam.has_order_violation IS 'a duration that must not be negative is (decision 11), or a report contradicts a stop';
ALTER TABLE event ADD COLUMN procedure_token VARCHAR(32);
COMMENT ON COLUMN event.procedure_token IS 'HMAC of site|requested procedure id';
ALTER TABLE event_series ADD COLUMN procedure_token VARCHAR(32);
COMMENT ON COLUMN event_series.procedure_token IS 'HMAC of site|requested procedure id';
ALTER TABLE event_dose ADD COLUMN procedure_token VARCHAR(32);
COMMENT ON COLUMN event_dose.procedure_token IS 'HMAC of site|requested procedure id';
ALTER TABLE event_opening ADD COLUMN procedure_token VARCHAR(32);
COMMENT ON COLUMN event_opening.procedure_token IS 'HMAC of site|requested procedure id';
ALTER TABLE event_dose ADD COLUMN origin VARCHAR(64);
COMMENT ON COLUMN event_dose.origin IS 'NULL: a dose report; image: an image header, which counts only where no report does';
ALTER TABLE fact_dose_event ADD COLUMN origin VARCHAR(64);
COMMENT ON COLUMN fact_dose_event.origin IS 'NULL: a dose report; image: an image header of an exam without report';
CREATE TABLE event_entry (
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
    procedure_token VARCHAR(32),
    kind VARCHAR(64),
    ordinal INTEGER,
    end_at TIMESTAMP WITHOUT TIME ZONE,
    modality VARCHAR(64),
    station_name VARCHAR(128),
    person_token VARCHAR(32),
    other_person_token VARCHAR(32),
    code VARCHAR(128),
    outcome_code VARCHAR(128),
    value DOUBLE PRECISION,
    unit VARCHAR(64),
    count BIGINT,
    limit_value DOUBLE PRECISION
);
COMMENT ON TABLE event_entry IS 'Rows of the department''s own lists as sent: rosters, AI results, reviews, incidents and more.';
COMMENT ON COLUMN event_entry.event_id IS 'hash(feed, tokens as sent, local code, raw time, ordinal); never arrival or control id';
COMMENT ON COLUMN event_entry.feed_key IS 'feed that sent it';
COMMENT ON COLUMN event_entry.site_code IS 'site of the feed';
COMMENT ON COLUMN event_entry.local_code IS 'status as sent; derivation maps it';
COMMENT ON COLUMN event_entry.raw_time IS 'time text as sent';
COMMENT ON COLUMN event_entry.occurred_at IS 'that text as UTC, uncorrected';
COMMENT ON COLUMN event_entry.utc_offset_min IS 'offset of the text or of the feed''s zone at that instant';
COMMENT ON COLUMN event_entry.time_flag IS '''ambiguous'' for a repeated DST hour without offset';
COMMENT ON COLUMN event_entry.clock_key IS 'which clock wrote it';
COMMENT ON COLUMN event_entry.known_at IS 'sender''s message time; NULL where the feed has none';
COMMENT ON COLUMN event_entry.content_hash IS 'hash of the rest; the lowest (known_at, content_hash) is kept';
COMMENT ON COLUMN event_entry.key_epoch IS 'epoch of the pseudonym key behind the tokens';
COMMENT ON COLUMN event_entry.patient_token IS 'HMAC of issuer|patient id as sent';
COMMENT ON COLUMN event_entry.accession_token IS 'HMAC of site|accession number';
COMMENT ON COLUMN event_entry.placer_token IS 'HMAC of site|placer order number';
COMMENT ON COLUMN event_entry.filler_token IS 'HMAC of site|filler order number';
COMMENT ON COLUMN event_entry.study_token IS 'HMAC of Study Instance UID';
COMMENT ON COLUMN event_entry.visit_token IS 'HMAC of site|visit number';
COMMENT ON COLUMN event_entry.appointment_token IS 'HMAC of site|appointment id';
COMMENT ON COLUMN event_entry.procedure_token IS 'HMAC of site|requested procedure id';
COMMENT ON COLUMN event_entry.kind IS 'shift, ai_result, peer_review, incident, reject, storage, cost';
COMMENT ON COLUMN event_entry.ordinal IS 'number of the row among those of its file that name the same thing';
COMMENT ON COLUMN event_entry.end_at IS 'end of a shift or validity; occurred_at is its begin';
COMMENT ON COLUMN event_entry.modality IS 'as sent';
COMMENT ON COLUMN event_entry.station_name IS 'room, station or AE title as sent';
COMMENT ON COLUMN event_entry.person_token IS 'pseudonym of who works, reads or is reviewed';
COMMENT ON COLUMN event_entry.other_person_token IS 'pseudonym of the reviewer';
COMMENT ON COLUMN event_entry.code IS 'role, finding, score, type, volume or procedure code';
COMMENT ON COLUMN event_entry.outcome_code IS 'second code: verdict, reason';
COMMENT ON COLUMN event_entry.value IS 'bytes, RVU, money, hours, probability';
COMMENT ON COLUMN event_entry.unit IS 'unit of value';
COMMENT ON COLUMN event_entry.count IS 'exposures, weight';
COMMENT ON COLUMN event_entry.limit_value IS 'capacity of a volume, accepted exposures';
CREATE TABLE fact_entry (
    event_id VARCHAR(32),
    kind VARCHAR(64),
    exam_key BIGINT,
    site_code VARCHAR(64),
    scanner_code VARCHAR(64),
    modality VARCHAR(64),
    begin_at TIMESTAMP WITHOUT TIME ZONE,
    end_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    local_hour INTEGER,
    duration_min DOUBLE PRECISION,
    person VARCHAR(32),
    other_person VARCHAR(32),
    code VARCHAR(128),
    outcome_code VARCHAR(128),
    value DOUBLE PRECISION,
    unit VARCHAR(64),
    count BIGINT,
    limit_value DOUBLE PRECISION
);
COMMENT ON TABLE fact_entry IS 'One row an entry of the department''s own lists.';
COMMENT ON COLUMN fact_entry.event_id IS 'the row''s event';
COMMENT ON COLUMN fact_entry.kind IS 'shift, ai_result, peer_review, incident, reject, storage, cost';
COMMENT ON COLUMN fact_entry.exam_key IS 'exam; 0 where the row names none or it is unmatched';
COMMENT ON COLUMN fact_entry.site_code IS 'site';
COMMENT ON COLUMN fact_entry.scanner_code IS 'scanner, where the row names one';
COMMENT ON COLUMN fact_entry.modality IS 'modality: the scanner''s, else the row''s, else the exam''s';
COMMENT ON COLUMN fact_entry.begin_at IS 'begin, or the instant';
COMMENT ON COLUMN fact_entry.end_at IS 'end';
COMMENT ON COLUMN fact_entry.local_date IS 'site-local date of begin';
COMMENT ON COLUMN fact_entry.local_hour IS 'site-local hour of begin';
COMMENT ON COLUMN fact_entry.duration_min IS 'minutes from begin to end';
COMMENT ON COLUMN fact_entry.person IS 'pseudonym';
COMMENT ON COLUMN fact_entry.other_person IS 'pseudonym';
COMMENT ON COLUMN fact_entry.code IS 'role, finding, score, type, volume or procedure code';
COMMENT ON COLUMN fact_entry.outcome_code IS 'second code: verdict, reason';
COMMENT ON COLUMN fact_entry.value IS 'value';
COMMENT ON COLUMN fact_entry.unit IS 'its unit';
COMMENT ON COLUMN fact_entry.count IS 'exposures, weight';
COMMENT ON COLUMN fact_entry.limit_value IS 'capacity of a volume, accepted exposures';
ALTER TABLE fact_feed ADD COLUMN unclosed BIGINT;
COMMENT ON COLUMN fact_feed.unclosed IS 'performed procedure steps in progress for longer than an exam may last';
ALTER TABLE fact_feed ADD COLUMN expected_by_at TIMESTAMP WITHOUT TIME ZONE;
COMMENT ON COLUMN fact_feed.expected_by_at IS 'by when more is due, judged from data_until_at alone';
ALTER TABLE fact_feed ADD COLUMN stale_at TIMESTAMP WITHOUT TIME ZONE;
COMMENT ON COLUMN fact_feed.stale_at IS 'by when what is due after that is due as well';
ALTER TABLE fact_feed ADD COLUMN expected_within_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_feed.expected_within_min IS 'minutes from data_until_at to expected_by_at';
ALTER TABLE fact_feed ADD COLUMN profile_source VARCHAR(64);
COMMENT ON COLUMN fact_feed.profile_source IS 'learned (fact_feed_profile) or configured';
CREATE TABLE fact_feed_profile (
    feed_key VARCHAR(64),
    site_code VARCHAR(64),
    local_weekday INTEGER,
    local_hour INTEGER,
    weeks INTEGER,
    delivered_share DOUBLE PRECISION,
    wait_min DOUBLE PRECISION,
    limit_min DOUBLE PRECISION
);
COMMENT ON TABLE fact_feed_profile IS 'One row a feed, weekday and hour: when its data comes, learned from its last weeks by data time.';
COMMENT ON COLUMN fact_feed_profile.feed_key IS 'feed';
COMMENT ON COLUMN fact_feed_profile.site_code IS 'site';
COMMENT ON COLUMN fact_feed_profile.local_weekday IS '0 is Monday, of the site''s wall clock';
COMMENT ON COLUMN fact_feed_profile.local_hour IS 'hour of the site''s wall clock';
COMMENT ON COLUMN fact_feed_profile.weeks IS 'weeks in which this hour was seen';
COMMENT ON COLUMN fact_feed_profile.delivered_share IS 'share of them with data within this hour';
COMMENT ON COLUMN fact_feed_profile.wait_min IS 'median minutes from the full hour to the next data';
COMMENT ON COLUMN fact_feed_profile.limit_min IS 'longest wait that is still normal: longest seen, their spread and a margin';
ALTER TABLE link ADD COLUMN score DOUBLE PRECISION;
COMMENT ON COLUMN link.score IS 'points of a scored match over the most possible, 0 to 1; NULL for identifiers';
ALTER TABLE fact_clock ADD COLUMN clock_keys VARCHAR(400);
COMMENT ON COLUMN fact_clock.clock_keys IS 'names this clock has in events, separated by blanks';
ALTER TABLE fact_clock ADD COLUMN evidence VARCHAR(64);
COMMENT ON COLUMN fact_clock.evidence IS 'steps (performed steps), peers (alike scanners), steps off, images off; NULL: nothing';
ALTER TABLE fact_clock ADD COLUMN error_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_clock.error_min IS 'standard error of offset_min';
CREATE TABLE match_node (
    node_key BIGINT,
    side VARCHAR(64),
    site_code VARCHAR(64),
    scanner_code VARCHAR(64),
    modality VARCHAR(64),
    patient_key BIGINT,
    birth_year INTEGER,
    sex VARCHAR(64),
    begin_at TIMESTAMP WITHOUT TIME ZONE,
    end_at TIMESTAMP WITHOUT TIME ZONE,
    appointment_at TIMESTAMP WITHOUT TIME ZONE,
    station_name VARCHAR(128),
    kind VARCHAR(64),
    token VARCHAR(32),
    exam_key BIGINT,
    matched_key BIGINT,
    reason VARCHAR(64),
    score DOUBLE PRECISION
);
COMMENT ON TABLE match_node IS 'Derived: what scored matching compares, independent of its results, and what it decided.';
COMMENT ON COLUMN match_node.node_key IS 'the exam''s key, or hash of the images'' token';
COMMENT ON COLUMN match_node.side IS 'exam (has no images) or images (no identifier leads to an exam)';
COMMENT ON COLUMN match_node.site_code IS 'site';
COMMENT ON COLUMN match_node.scanner_code IS 'scanner';
COMMENT ON COLUMN match_node.modality IS 'modality';
COMMENT ON COLUMN match_node.patient_key IS 'patient after merges';
COMMENT ON COLUMN match_node.birth_year IS 'year only';
COMMENT ON COLUMN match_node.sex IS 'M, F, O, U';
COMMENT ON COLUMN match_node.begin_at IS 'begin of the exam or first acquisition';
COMMENT ON COLUMN match_node.end_at IS 'end of the exam or last acquisition';
COMMENT ON COLUMN match_node.appointment_at IS 'booked start';
COMMENT ON COLUMN match_node.station_name IS 'station as sent';
COMMENT ON COLUMN match_node.kind IS 'which token stands for the images: accession, study, series or irradiation';
COMMENT ON COLUMN match_node.token IS 'that token';
COMMENT ON COLUMN match_node.exam_key IS 'exam these events make by identifiers; 0: none';
COMMENT ON COLUMN match_node.matched_key IS 'images: exam found by score; 0: none';
COMMENT ON COLUMN match_node.reason IS 'scored, ambiguous, unmatched';
COMMENT ON COLUMN match_node.score IS 'score of the match or of the best candidate';
CREATE TABLE fact_unmatched (
    side VARCHAR(64),
    cause VARCHAR(64),
    site_code VARCHAR(64),
    scanner_code VARCHAR(64),
    modality VARCHAR(64),
    exam_key BIGINT,
    begin_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    score DOUBLE PRECISION
);
COMMENT ON TABLE fact_unmatched IS 'Images without exam and performed exams without images, with the likely cause.';
COMMENT ON COLUMN fact_unmatched.side IS 'images (without exam) or exam (without images)';
COMMENT ON COLUMN fact_unmatched.cause IS 'likely cause, one of etl.warehouse.unmatched.CAUSES';
COMMENT ON COLUMN fact_unmatched.site_code IS 'site';
COMMENT ON COLUMN fact_unmatched.scanner_code IS 'scanner; NULL where the station is not known';
COMMENT ON COLUMN fact_unmatched.modality IS 'modality';
COMMENT ON COLUMN fact_unmatched.exam_key IS 'the exam, or the one that images without an order make; 0: none';
COMMENT ON COLUMN fact_unmatched.begin_at IS 'first acquisition, or begin of the exam';
COMMENT ON COLUMN fact_unmatched.local_date IS 'site-local date of begin';
COMMENT ON COLUMN fact_unmatched.score IS 'score of the best candidate; NULL: there was none';
COMMENT ON COLUMN link.reason IS 'accession, filler, placer, study, procedure, appointment, visit, scored, ambiguous, unmatched; _reused, _replaced: a number of several orders';
