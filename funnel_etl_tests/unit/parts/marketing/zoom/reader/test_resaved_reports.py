"""Dates of reports that a spreadsheet program has re-written: read right or refused, never wrong without a word."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pytest

from funnel_etl.core.config_tables import parse_table
from funnel_etl.core.errors import AmbiguousDates
from funnel_etl.parts.marketing.zoom.clean import contracts as clean_contracts
from funnel_etl.parts.marketing.zoom.clean.attendance import zoom_segments
from funnel_etl.parts.marketing.zoom.clean.reports import zoom_reports
from funnel_etl.parts.marketing.zoom.reader.contracts import (
    RAW_ZOOM_ATTENDEE_ROWS,
    RAW_ZOOM_REGISTRANT_ROWS,
    RAW_ZOOM_REPORTS,
)
from funnel_etl.parts.marketing.zoom.reader.read import ZoomExport, read_export
from funnel_etl_tests.unit.parts.marketing.zoom.resaved import (
    ORIGINALS,
    PROGRAMS,
    Truth,
    attendee_report,
    made_up,
    named,
    registration_report,
)

KOLKATA = "Asia/Kolkata"
INDIA_TIME = timezone(timedelta(hours=5, minutes=30))
MINUTE = pd.Timedelta(minutes=1)
LATE_NOVEMBER = datetime(2026, 11, 27, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


FIFTH_OF_NOVEMBER = Truth(
    start=at("2026-11-05T18:55"),
    generated=at("2026-11-05T21:30"),
    received=at("2026-11-27T10:00"),
    registered=[at(f"2026-11-0{day}T10:1{day}") for day in range(1, 5)],
    joined=[at(f"2026-11-05T19:0{minute}") for minute in range(4)],
)


def read(data: bytes, received: datetime | None = LATE_NOVEMBER, file_id: str = "f") -> ZoomExport:
    return read_export(data, file_id=file_id, zone=KOLKATA, received_at=received)


def of_one_day(start: str, generated: str = "") -> Truth:
    """Return the truth of a report without registrations."""
    first = at(start)
    joined = [first + timedelta(minutes=minute) for minute in (5, 6, 7)]
    return Truth(first, at(generated) if generated else first + timedelta(hours=3), first, [], joined)


def resaved(truth: Truth, country: str = "India") -> bytes:
    return attendee_report(truth, named, PROGRAMS[country])


def start_of(export: ZoomExport) -> str:
    return str(export.facts["started_at"].tz_convert(KOLKATA))[:16]


def test_a_report_resaved_in_india_with_no_day_over_twelve_is_read_day_first_with_a_warning() -> None:
    """Incident: an event of 5 November counted on 11 May, beside the same report unopened."""
    export = read(resaved(FIFTH_OF_NOVEMBER))
    assert (start_of(export), export.facts["date_order"]) == ("2026-11-05 18:55", "day_first")
    assert export.rows["joined_at"].min() == pd.Timestamp("2026-11-05T13:30Z")
    assert any("day-first" in note and "drop it unopened" in note for note in export.notes)


def test_a_reading_later_than_the_arrival_is_not_taken() -> None:
    """Incident: 12-11-2026 became 11 December, after the file had come, and was in no fact."""
    truth = of_one_day("2026-11-12T18:55")
    export = read(resaved(truth))
    assert start_of(export) == "2026-11-12 18:55"
    assert any("11 December 2026) is later than its arrival (27 November 2026)" in note for note in export.notes)


def test_numbers_that_zoom_wrote_month_first_stay_so_when_a_day_first_program_has_resaved_them() -> None:
    truth = of_one_day("2026-05-11T18:55")
    data = attendee_report(truth, ORIGINALS["numbers"], PROGRAMS["India"])
    assert b"05-11-2026 18:55" in data
    assert start_of(read(data, datetime(2026, 5, 20, tzinfo=UTC))) == "2026-05-11 18:55"


def test_days_that_fit_both_ways_are_refused_with_both_readings() -> None:
    truth = of_one_day("2026-11-05T18:55")
    with pytest.raises(AmbiguousDates) as error:
        read(resaved(truth), datetime(2027, 8, 1, tzinfo=UTC))
    assert "05-11-2026 is 5 November 2026 or 11 May 2026" in str(error.value)
    assert "download the report from Zoom again, and drop that file unopened" in str(error.value)


def test_days_that_fit_neither_way_are_refused_with_what_is_wrong_in_both() -> None:
    text = (
        "Attendee Report\nReport Generated:,2026-11-20 10:00\nTopic,Webinar ID,Actual Start Time\n"
        "T,111 2222 3333,2026-05-11 19:00\nAttendee Details\nAttended,Email,Join Time,Leave Time\n"
        "Yes,a@example.com,05-11-2026 19:00,2026-11-05 19:30\n"
    )
    with pytest.raises(AmbiguousDates, match=r"neither fits: by the first its start .* by the other people leave"):
        read(text.encode())


@pytest.mark.parametrize(
    ("start", "left"), [("08/09/2026 10:45:00 AM", "08/09/2026 11:45:00 AM"), ("05/11/2026 07:00:00 PM", "--")]
)
def test_zooms_own_style_is_month_first_where_nothing_contradicts_it(start: str, left: str) -> None:
    text = (
        "Attendee Report\nReport Generated:,12/12/2026 05:42:17 PM\nTopic,Webinar ID,Actual Start Time\n"
        f"T,111 2222 3333,{start}\nAttendee Details\nAttended,Email,Join Time,Leave Time\n"
        f"Yes,a@example.com,{start},{left}\n"
    )
    export = read(text.encode(), None)
    assert export.facts["started_at"].tz_convert(KOLKATA).month == int(start[:2])
    assert (export.facts["date_order"], export.notes) == ("month_first", [])


def test_zooms_own_style_later_than_its_arrival_in_both_readings_is_month_first() -> None:
    """A machine whose clock is behind must not refuse every report."""
    data = attendee_report(of_one_day("2026-11-05T18:55"), ORIGINALS["numbers"], None)
    assert start_of(read(data, datetime(2020, 1, 1, tzinfo=UTC))) == "2026-11-05 18:55"
    with pytest.raises(AmbiguousDates, match="nothing in the report says which"):
        read(resaved(of_one_day("2026-11-05T18:55")), datetime(2020, 1, 1, tzinfo=UTC))


def test_zooms_own_style_is_not_taken_month_first_against_the_arrival() -> None:
    text = (
        "Attendee Report\nReport Generated:,06/11/2026 05:42:17 PM\nTopic,Webinar ID,Actual Start Time\n"
        "T,111 2222 3333,05/11/2026 07:00:00 PM\nAttendee Details\nAttended,Email,Join Time,Leave Time\n"
        "Yes,a@example.com,05/11/2026 07:00:00 PM,12/05/2026 07:30:00 PM\n"
    )
    with pytest.raises(AmbiguousDates):
        read(text.encode())


def test_cells_that_the_program_left_alone_show_the_order_of_those_it_rewrote() -> None:
    """Numbers of Zoom's opened in India: days over 12 stay as they were, the others lose their style."""
    truth = of_one_day("2026-12-03T18:55")
    truth.registered = [at(f"2026-{day}T10:00") for day in ("11-13", "11-20", "12-01", "12-02")]
    data = attendee_report(truth, ORIGINALS["numbers"], PROGRAMS["India"])
    assert b"11/13/2026 10:00:00 AM" in data and b"12-03-2026 18:55" in data  # noqa: PT018
    export = read(data, datetime(2027, 6, 1, tzinfo=UTC))
    assert (start_of(export), export.facts["date_order"]) == ("2026-12-03 18:55", "month_first")


def test_months_that_the_program_left_by_name_show_that_the_others_are_day_first() -> None:
    truth = of_one_day("2026-11-05T18:55", "2026-12-02T21:30")
    data = resaved(truth, "Germany")
    assert b"05.11.2026 18:55" in data and b"Dec 2, 2026" in data  # noqa: PT018
    assert start_of(read(data, datetime(2027, 8, 1, tzinfo=UTC))) == "2026-11-05 18:55"


def test_a_report_reads_the_same_whenever_it_is_read() -> None:
    """Its arrival decides, not the clock."""
    first = read(resaved(FIFTH_OF_NOVEMBER))
    assert first.facts == read(resaved(FIFTH_OF_NOVEMBER)).facts


def wrong(export: ZoomExport, truth: Truth) -> list[str]:
    """Return which times are not the true ones."""
    start = "started_at" if export.facts["report"] == "attendee" else "scheduled_at"
    pairs = {
        "start": ([export.facts[start]], [truth.start]),
        "made": ([export.facts["generated_at"]], [truth.generated]),
    }
    pairs["registered"] = (export.rows["registered_at"].dropna().tolist(), truth.registered)
    if start == "started_at":
        pairs["joined"] = (export.rows["joined_at"].tolist(), truth.joined)
    return [
        name
        for name, (found, true) in pairs.items()
        if len(found) != len(true)
        or any(
            pd.isna(one) or abs(one - pd.Timestamp(other.replace(microsecond=0), tz=KOLKATA)) >= MINUTE
            for one, other in zip(found, true, strict=True)
        )
    ]


@pytest.mark.parametrize("country", PROGRAMS)
@pytest.mark.parametrize("original", ORIGINALS)
def test_a_report_saved_by_any_program_on_any_day_is_read_right_or_refused(original: str, country: str) -> None:
    pick = random.Random(f"{original} {country}")  # noqa: S311
    seen: Counter[str] = Counter()
    for number in range(15):
        people = pick.choice([0, 1, 3, 12])
        truth = made_up(pick, people=people or number % 2)
        write = attendee_report if number % 2 == 0 else registration_report
        data = write(truth, ORIGINALS[original], PROGRAMS[country])
        try:
            export = read(data, truth.received.replace(tzinfo=INDIA_TIME))
        except AmbiguousDates:
            seen["refused"] += 1
            continue
        assert wrong(export, truth) == [], (truth.start, truth.received, export.notes)
        seen["right"] += 1
    assert seen["right"] >= 12
    assert country != "unopened" or seen["refused"] == 0


@pytest.mark.parametrize("country", PROGRAMS)
def test_columns_that_zoom_wrote_differently_are_read_right_or_refused(country: str) -> None:
    """Saved again they look alike, and each has its own order."""
    pick = random.Random(country)  # noqa: S311
    head, rows = pick.sample(list(ORIGINALS.values()), 2)
    for _ in range(12):
        truth = made_up(pick, people=pick.choice([0, 3, 12]))
        data = attendee_report(truth, rows, PROGRAMS[country], head=head)
        try:
            export = read(data, truth.received.replace(tzinfo=INDIA_TIME))
        except AmbiguousDates:
            continue
        assert wrong(export, truth) == [], (truth.start, truth.received, export.notes)


@pytest.mark.parametrize("order", [("opened", "unopened"), ("unopened", "opened")])
def test_a_report_and_the_same_report_resaved_are_one_occurrence(order: tuple[str, str]) -> None:
    """Incident: the wrong reading stayed in the facts beside the right one, and everybody counted twice."""
    data = {"opened": resaved(FIFTH_OF_NOVEMBER), "unopened": resaved(FIFTH_OF_NOVEMBER, "unopened")}
    exports = [read(data[name], file_id=name) for name in order]
    facts = [
        {"name": e.facts["file_id"], "received_at": LATE_NOVEMBER, "bytes": 1, "profile": None, **e.facts}
        for e in exports
    ]
    raw = RAW_ZOOM_REPORTS.conform(pd.DataFrame(facts, columns=RAW_ZOOM_REPORTS.names))
    rows = pd.concat([RAW_ZOOM_ATTENDEE_ROWS.conform(export.rows) for export in exports], ignore_index=True)
    nobody = RAW_ZOOM_REGISTRANT_ROWS.empty()
    config: dict[str, frozenset[str]] = {"placeholders": frozenset()}
    reports = clean_contracts.ZOOM_REPORTS.conform(zoom_reports(raw, rows, nobody, zone=KOLKATA, **config).rows)
    assert reports["occurrence_id"].unique().tolist() == ["11122223333-20261105T1855"]
    assert reports["in_force"].sum() == 1
    times_in = zoom_segments(reports, rows, nobody, bot_names=parse_table("bot_names", None), **config).rows
    assert (len(times_in), times_in["person_key"].nunique()) == (4, 4)
