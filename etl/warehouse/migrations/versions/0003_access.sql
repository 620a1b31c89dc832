-- Access: bookable work, template slots, supply, freed slots, demand and queues, frozen. Runs on DuckDB and PostgreSQL.
ALTER TABLE fact_exam ADD COLUMN request_received_at TIMESTAMP WITHOUT TIME ZONE;
COMMENT ON COLUMN fact_exam.request_received_at IS 'order_accepted where a feed tells it, NULL elsewhere';
ALTER TABLE fact_exam ADD COLUMN first_scheduled_at TIMESTAMP WITHOUT TIME ZONE;
COMMENT ON COLUMN fact_exam.first_scheduled_at IS 'when the first booking was made';
ALTER TABLE fact_exam ADD COLUMN is_other_scanner BOOLEAN;
COMMENT ON COLUMN fact_exam.is_other_scanner IS 'done on another scanner than booked; NULL where either is not told';
ALTER TABLE fact_exam ADD COLUMN order_to_schedule_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_exam.order_to_schedule_min IS 'T01: first booking made - order entered, negative = entered afterwards';
ALTER TABLE fact_exam ADD COLUMN request_received_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_exam.request_received_min IS 'T02: request received - order entered, negative = entered afterwards';
ALTER TABLE fact_exam ADD COLUMN access_wait_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_exam.access_wait_min IS 'T03: exam begin - order accepted, negative = entered afterwards';
ALTER TABLE fact_exam ADD COLUMN access_target_min DOUBLE PRECISION;
COMMENT ON COLUMN fact_exam.access_target_min IS 'target of T03 valid at the order, NULL without target';
ALTER TABLE fact_slot ADD COLUMN cancelled_same_day BOOLEAN;
COMMENT ON COLUMN fact_slot.cancelled_same_day IS 'whether it was cancelled on its own local day; NULL unless cancelled';
ALTER TABLE fact_slot ADD COLUMN called_off_by VARCHAR(64);
COMMENT ON COLUMN fact_slot.called_off_by IS 'patient, provider, site, other, unknown: by reason_code; NULL unless cancelled or moved';
ALTER TABLE fact_slot ADD COLUMN lead_band VARCHAR(64);
COMMENT ON COLUMN fact_slot.lead_band IS 'lead_time_min in bands (LEAD_BANDS); add-on: emergency or inpatient, made on its own day';
CREATE TABLE fact_bookable (
    site_code VARCHAR(64),
    modality VARCHAR(64),
    slots BIGINT,
    first_date DATE,
    last_date DATE
);
COMMENT ON TABLE fact_bookable IS 'One row a site and modality with template slots: its outpatients need one.';
COMMENT ON COLUMN fact_bookable.site_code IS 'site';
COMMENT ON COLUMN fact_bookable.modality IS 'modality';
COMMENT ON COLUMN fact_bookable.slots IS 'template slots of the calendar';
COMMENT ON COLUMN fact_bookable.first_date IS 'site-local date of the first of them';
COMMENT ON COLUMN fact_bookable.last_date IS 'site-local date of the last of them';
CREATE TABLE fact_template_slot (
    site_code VARCHAR(64),
    scanner_code VARCHAR(64),
    modality VARCHAR(64),
    shift VARCHAR(64),
    begin_at TIMESTAMP WITHOUT TIME ZONE,
    end_at TIMESTAMP WITHOUT TIME ZONE,
    minutes DOUBLE PRECISION,
    exam_key BIGINT,
    is_booked BOOLEAN,
    is_performed BOOLEAN,
    is_pending BOOLEAN,
    local_date DATE,
    local_hour INTEGER
);
COMMENT ON TABLE fact_template_slot IS 'One row a template slot that no closure and no planned downtime took away.';
COMMENT ON COLUMN fact_template_slot.site_code IS 'site';
COMMENT ON COLUMN fact_template_slot.scanner_code IS 'scanner';
COMMENT ON COLUMN fact_template_slot.modality IS 'modality';
COMMENT ON COLUMN fact_template_slot.shift IS 'day, evening, night, weekend: of the slot';
COMMENT ON COLUMN fact_template_slot.begin_at IS 'begin';
COMMENT ON COLUMN fact_template_slot.end_at IS 'end';
COMMENT ON COLUMN fact_template_slot.minutes IS 'length';
COMMENT ON COLUMN fact_template_slot.exam_key IS 'exam whose appointment held it when it began; 0: none';
COMMENT ON COLUMN fact_template_slot.is_booked IS 'an appointment held it when it began';
COMMENT ON COLUMN fact_template_slot.is_performed IS 'and that exam was performed';
COMMENT ON COLUMN fact_template_slot.is_pending IS 'and that exam may still be performed';
COMMENT ON COLUMN fact_template_slot.local_date IS 'site-local date of begin';
COMMENT ON COLUMN fact_template_slot.local_hour IS 'site-local hour of begin';
CREATE TABLE fact_freed_slot (
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
    state VARCHAR(64),
    called_off_by VARCHAR(64),
    lead_band VARCHAR(64),
    appointment_at TIMESTAMP WITHOUT TIME ZONE,
    planned_duration_min DOUBLE PRECISION,
    freed_at TIMESTAMP WITHOUT TIME ZONE,
    is_refilled BOOLEAN,
    is_used BOOLEAN,
    local_date DATE,
    local_hour INTEGER
);
COMMENT ON TABLE fact_freed_slot IS 'One row an appointment that was cancelled or not come to.';
COMMENT ON COLUMN fact_freed_slot.exam_key IS 'exam whose appointment it was';
COMMENT ON COLUMN fact_freed_slot.site_code IS 'site';
COMMENT ON COLUMN fact_freed_slot.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_freed_slot.modality IS 'canonical modality';
COMMENT ON COLUMN fact_freed_slot.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_freed_slot.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_freed_slot.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_freed_slot.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_freed_slot.section IS 'reading section';
COMMENT ON COLUMN fact_freed_slot.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_freed_slot.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_freed_slot.state IS 'cancelled, no_show';
COMMENT ON COLUMN fact_freed_slot.called_off_by IS 'patient, provider, site, other, unknown; NULL for a no-show';
COMMENT ON COLUMN fact_freed_slot.lead_band IS 'the appointment''s lead time in bands, as in fact_slot';
COMMENT ON COLUMN fact_freed_slot.appointment_at IS 'begin of the appointment';
COMMENT ON COLUMN fact_freed_slot.planned_duration_min IS 'its length';
COMMENT ON COLUMN fact_freed_slot.freed_at IS 'when it was cancelled, or declared a no-show';
COMMENT ON COLUMN fact_freed_slot.is_refilled IS 'another patient was booked into it after it came free; an add-on is no booking';
COMMENT ON COLUMN fact_freed_slot.is_used IS 'not refilled, but an exam not on the day''s schedule began in it';
COMMENT ON COLUMN fact_freed_slot.local_date IS 'site-local date of the appointment';
COMMENT ON COLUMN fact_freed_slot.local_hour IS 'site-local hour of the appointment';
CREATE TABLE fact_slot_supply (
    site_code VARCHAR(64),
    scanner_code VARCHAR(64),
    modality VARCHAR(64),
    scope VARCHAR(64),
    snapshot_at TIMESTAMP WITHOUT TIME ZONE,
    local_date DATE,
    first_days DOUBLE PRECISION,
    third_days DOUBLE PRECISION,
    third_at TIMESTAMP WITHOUT TIME ZONE
);
COMMENT ON TABLE fact_slot_supply IS 'One row a weekday, site and modality (or scanner): open template slots as they stood then.';
COMMENT ON COLUMN fact_slot_supply.site_code IS 'site';
COMMENT ON COLUMN fact_slot_supply.scanner_code IS 'scanner; NULL for all scanners of the modality together';
COMMENT ON COLUMN fact_slot_supply.modality IS 'modality';
COMMENT ON COLUMN fact_slot_supply.scope IS 'modality, scanner';
COMMENT ON COLUMN fact_slot_supply.snapshot_at IS 'weekdays at one local hour';
COMMENT ON COLUMN fact_slot_supply.local_date IS 'site-local date of the snapshot';
COMMENT ON COLUMN fact_slot_supply.first_days IS 'days to the first open slot; NULL: none in the calendar as known';
COMMENT ON COLUMN fact_slot_supply.third_days IS 'U19: days to the third open slot; NULL: none in the calendar as known';
COMMENT ON COLUMN fact_slot_supply.third_at IS 'begin of the third open slot';
CREATE TABLE fact_demand_day (
    site_code VARCHAR(64),
    modality VARCHAR(64),
    local_date DATE,
    end_at TIMESTAMP WITHOUT TIME ZONE,
    orders BIGINT,
    ordered_min DOUBLE PRECISION,
    kept_min DOUBLE PRECISION,
    operating_min DOUBLE PRECISION,
    backlog_orders BIGINT,
    backlog_min DOUBLE PRECISION,
    weekly_operating_min DOUBLE PRECISION
);
COMMENT ON TABLE fact_demand_day IS 'One row a site, modality and local day: work asked for, waiting, and capacity.';
COMMENT ON COLUMN fact_demand_day.site_code IS 'site';
COMMENT ON COLUMN fact_demand_day.modality IS 'modality';
COMMENT ON COLUMN fact_demand_day.local_date IS 'site-local date';
COMMENT ON COLUMN fact_demand_day.end_at IS 'end of that day';
COMMENT ON COLUMN fact_demand_day.orders IS 'orders entered that day';
COMMENT ON COLUMN fact_demand_day.ordered_min IS 'modelled minutes of these';
COMMENT ON COLUMN fact_demand_day.kept_min IS 'the same without orders cancelled or not come to';
COMMENT ON COLUMN fact_demand_day.operating_min IS 'operating minutes of the scanners that day';
COMMENT ON COLUMN fact_demand_day.backlog_orders IS 'accepted orders not begun at the end of the day';
COMMENT ON COLUMN fact_demand_day.backlog_min IS 'modelled minutes of these';
COMMENT ON COLUMN fact_demand_day.weekly_operating_min IS 'operating minutes of the seven days up to it';
CREATE TABLE fact_queue (
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
    queue VARCHAR(64),
    entered_at TIMESTAMP WITHOUT TIME ZONE,
    left_at TIMESTAMP WITHOUT TIME ZONE,
    limit_min DOUBLE PRECISION,
    overdue_at TIMESTAMP WITHOUT TIME ZONE
);
COMMENT ON TABLE fact_queue IS 'One row a stay of an exam in a queue, as its events replayed in order tell it.';
COMMENT ON COLUMN fact_queue.exam_key IS 'exam';
COMMENT ON COLUMN fact_queue.site_code IS 'site';
COMMENT ON COLUMN fact_queue.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_queue.modality IS 'canonical modality';
COMMENT ON COLUMN fact_queue.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_queue.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_queue.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_queue.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_queue.section IS 'reading section';
COMMENT ON COLUMN fact_queue.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_queue.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_queue.queue IS 'unread, waiting, unscheduled';
COMMENT ON COLUMN fact_queue.entered_at IS 'since when';
COMMENT ON COLUMN fact_queue.left_at IS 'until when; NULL: still';
COMMENT ON COLUMN fact_queue.limit_min IS 'target of its class; NULL without one';
COMMENT ON COLUMN fact_queue.overdue_at IS 'entered_at (waiting: the appointment, if later) and limit_min; NULL without a target';
CREATE TABLE fact_wait (
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
    clock_at TIMESTAMP WITHOUT TIME ZONE,
    entered_at TIMESTAMP WITHOUT TIME ZONE,
    until_at TIMESTAMP WITHOUT TIME ZONE,
    exam_begin_at TIMESTAMP WITHOUT TIME ZONE,
    done_at TIMESTAMP WITHOUT TIME ZONE,
    off_at TIMESTAMP WITHOUT TIME ZONE,
    restarts INTEGER,
    is_last BOOLEAN,
    wait_min DOUBLE PRECISION,
    limit_min DOUBLE PRECISION,
    local_date DATE,
    local_hour INTEGER
);
COMMENT ON TABLE fact_wait IS 'One row a stretch of an outpatient''s wait under one clock; none where no rule of clocks is switched on.';
COMMENT ON COLUMN fact_wait.exam_key IS 'exam';
COMMENT ON COLUMN fact_wait.site_code IS 'site';
COMMENT ON COLUMN fact_wait.scanner_code IS 'performing scanner, else the booked one';
COMMENT ON COLUMN fact_wait.modality IS 'canonical modality';
COMMENT ON COLUMN fact_wait.procedure_code IS 'local procedure code';
COMMENT ON COLUMN fact_wait.procedure_group IS 'standard procedure group';
COMMENT ON COLUMN fact_wait.priority IS 'STAT, URGENT, ROUTINE';
COMMENT ON COLUMN fact_wait.patient_class IS 'E, I, O';
COMMENT ON COLUMN fact_wait.section IS 'reading section';
COMMENT ON COLUMN fact_wait.shift IS 'day, evening, night, weekend: of exam end, else begin, else order (site-local)';
COMMENT ON COLUMN fact_wait.reader_mode IS 'single, trainee (K0.10); NULL while unread';
COMMENT ON COLUMN fact_wait.clock_at IS 'when the clock in force begins: the request, or an appointment given up';
COMMENT ON COLUMN fact_wait.entered_at IS 'since when it is in force';
COMMENT ON COLUMN fact_wait.until_at IS 'until when; NULL: still, or to the end of the wait';
COMMENT ON COLUMN fact_wait.exam_begin_at IS 'as in fact_exam';
COMMENT ON COLUMN fact_wait.done_at IS 'first of exam end, acquisition and communication';
COMMENT ON COLUMN fact_wait.off_at IS 'first of cancelled and no-show, as in force';
COMMENT ON COLUMN fact_wait.restarts IS 'how often the clock had begun anew';
COMMENT ON COLUMN fact_wait.is_last IS 'no later clock is known';
COMMENT ON COLUMN fact_wait.wait_min IS 'T03-adjusted: exam begin - clock_at, nought where it began before; of the last clock';
COMMENT ON COLUMN fact_wait.limit_min IS 'access target of its class; NULL without one';
COMMENT ON COLUMN fact_wait.local_date IS 'site-local date of the order';
COMMENT ON COLUMN fact_wait.local_hour IS 'site-local hour of the order';
