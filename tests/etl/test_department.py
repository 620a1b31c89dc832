"""The kernel alone: a room, a queue and readers whose every minute can be worked out by hand."""

from etl.department import Case, Department, Reader, Reading, Scanner, Timetable

ALWAYS = Timetable([(0.0, 10_000.0)])
NEVER = Timetable([])


def room(hours: Timetable = ALWAYS, down: Timetable = NEVER, *, code: str = "R1", on_call: bool = False) -> Scanner:
    return Scanner(code, "POOL", hours, down, on_call)


def report(key: int = 1, *, urgent: bool = False, allowance: float = 60.0) -> Reading:
    return Reading(key, "CHEST", urgent, allowance, transfer_min=5.0, read_min=10.0, sign_min=2.0, signoff_min=3.0)


def case(key: int, ready: float, *, stat: bool = False, booked: str | None = None, due: float | None = None) -> Case:
    due = ready if due is None else due
    return Case(key, "POOL", booked, ready, due, stat, stat, prep_min=2.0, work_min=20.0, turnover_min=3.0)


def live(scanners: list[Scanner], readers: list[Reader], cases: list[Case], until: float = 5000.0) -> None:
    Department(scanners, readers, cases).run(until)


def reader(code: str = "A", **how: object) -> Reader:
    return Reader(code, [(0.0, 5000.0)], ("CHEST",), **how)  # type: ignore[arg-type]  # the caller names real fields


def test_exam_and_report_follow_each_other_without_loss() -> None:
    one = case(1, 10.0)
    one.readings = [report()]
    live([room()], [reader()], [one])
    assert (one.in_room, one.begin, one.end) == (10.0, 12.0, 32.0)
    item = one.readings[0]
    assert (item.available, item.opened, item.dictated, item.final) == (37.0, 37.0, 47.0, 49.0)
    assert (item.reader, item.assistant, item.prelim) == ("A", None, None)


def test_second_patient_waits_for_room_and_turnover() -> None:
    first, second = case(1, 10.0), case(2, 11.0)
    live([room()], [], [first, second])
    assert second.in_room == 10.0 + 2 + 20 + 3


def test_stat_overtakes_waiting_patients() -> None:
    running, waiting, stat = case(1, 0.0), case(2, 1.0), case(3, 15.0, stat=True)
    live([room()], [], [running, waiting, stat])
    assert stat.begin is not None
    assert waiting.begin is not None
    assert stat.begin < waiting.begin


def test_closed_room_takes_only_emergencies_on_call() -> None:
    hours = Timetable([(100.0, 200.0)])
    ordinary, emergency = case(1, 10.0), case(2, 20.0, stat=True)
    live([room(hours, on_call=True)], [], [ordinary, emergency])
    assert emergency.in_room == 20.0
    assert ordinary.in_room is not None
    assert 100.0 <= ordinary.in_room < 200.0


def test_who_came_before_closing_is_scanned_after_it_but_not_all_night() -> None:
    hours = Timetable([(0.0, 100.0), (1000.0, 1100.0)])
    cases = [case(n, 90.0 + n * 0.1) for n in range(10)]
    live([room(hours)], [], cases)
    begins = sorted(c.in_room for c in cases if c.in_room is not None)
    assert len(begins) == 10
    assert any(100.0 < at < 271.0 for at in begins)
    assert not any(271.0 < at < 1000.0 for at in begins)


def test_down_room_takes_nobody_and_the_other_room_takes_over_late_bookings() -> None:
    down = Timetable([(0.0, 500.0)])
    booked = case(1, 10.0, booked="R1", due=30.0)
    live([room(down=down), room(code="R2")], [], [booked])
    assert booked.scanner == "R2"
    assert booked.in_room is not None
    assert booked.in_room >= 60.0  # half an hour after the appointment


def test_booked_patient_is_not_called_long_before_the_appointment() -> None:
    early = case(1, 10.0, booked="R1", due=120.0)
    live([room()], [], [early])
    assert early.in_room is not None
    assert 100.0 <= early.in_room <= 120.0


def test_pause_frees_the_table_and_splits_the_visit() -> None:
    leaving, other = case(1, 0.0), case(2, 1.0)
    leaving.pause = (8.0, 120.0)
    live([room()], [], [leaving, other])
    assert len(leaving.parts) == 2
    (b1, e1), (b2, e2) = leaving.parts
    assert (e1 - b1) + (e2 - b2) == leaving.work_min
    assert b2 - e1 >= 120.0
    assert other.begin is not None
    assert e1 < other.begin < b2


def test_trainee_drafts_and_attending_signs() -> None:
    one = case(1, 0.0)
    one.readings = [report()]
    attending = Reader("A", [(300.0, 900.0)], ("CHEST",))
    live([room()], [reader("T", trainee=True), attending], [one])
    item = one.readings[0]
    assert (item.assistant, item.reader) == ("T", "A")
    assert item.prelim is not None
    assert item.prelim < 300.0
    assert item.final == 300.0 + item.signoff_min


def test_positive_ai_result_is_read_before_older_reports() -> None:
    cases = [case(n, float(n)) for n in range(3)]
    for n, c in enumerate(cases):
        c.readings = [report(n)]
    cases[2].readings[0].ai_min, cases[2].readings[0].ai_positive = 1.0, True
    live([room()], [Reader("A", [(400.0, 900.0)], ("CHEST",))], cases)
    opened = [c.readings[0].opened for c in cases]
    assert opened[2] == 400.0
    assert opened[0] is not None
    assert opened[0] > 400.0


def test_reports_wait_overnight_for_a_shift_and_stay_open_at_the_end() -> None:
    one = case(1, 0.0)
    one.readings = [report()]
    live([room()], [Reader("A", [(900.0, 1000.0)], ("CHEST",))], [one], until=500.0)
    assert one.readings[0].available is not None
    assert one.readings[0].opened is None


def test_later_cases_change_nothing_before_them() -> None:
    alone, beside = [case(n, 30.0 * n) for n in range(5)], [case(n, 30.0 * n) for n in range(9)]
    live([room()], [], alone, until=130.0)
    live([room()], [], beside, until=130.0)
    assert [c.begin for c in alone] == [c.begin for c in beside[:5]]


def test_timetable_joins_and_answers_half_open() -> None:
    table = Timetable([(5.0, 8.0), (0.0, 3.0), (2.0, 4.0)])
    assert table.spans == [(0.0, 4.0), (5.0, 8.0)]
    assert table.holds(0.0)
    assert not table.holds(4.0)
    assert table.next_edge(4.0) == 5.0
