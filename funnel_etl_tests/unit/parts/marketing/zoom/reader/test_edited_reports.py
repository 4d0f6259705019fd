"""Reports that hold something odd: one odd row decides nothing of the order of day and month, and refuses no report."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from funnel_etl.core.errors import AmbiguousDates
from funnel_etl_tests.unit.parts.marketing.zoom.reader.test_resaved_reports import (
    FIFTH_OF_NOVEMBER,
    LATE_NOVEMBER,
    at,
    of_one_day,
    read,
    resaved,
    start_of,
    wrong,
)
from funnel_etl_tests.unit.parts.marketing.zoom.resaved import (
    ORIGINALS,
    PROGRAMS,
    Truth,
    attendee_report,
    named,
    registration_report,
)

CONTRADICT = "its times contradict each other: "


def against(notes: list[str]) -> list[str]:
    return [note.removeprefix(CONTRADICT) for note in notes if note.startswith(CONTRADICT)]


def iso(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    ("was", "is_now", "warning"),
    [
        (b"05-11-2026 19:03", b"07-11-2026 19:03", "its start (5 November 2026) is not near 1 of 4 joins"),
        (b"05-11-2026 19:03", b"17-11-2026 19:03", "its start (5 November 2026) is not near 1 of 4 joins"),
        (b"05-11-2026 19:03", b"06-08-2026 19:03", "its start (5 November 2026) is not near 1 of 4 joins"),
        (b"05-11-2026 19:33", b"03-11-2026 19:33", "1 of 4 people leave before they join, or days after"),
        (b"05-11-2026 19:33", b"03-02-2026 19:33", "1 of 4 people leave before they join, or days after"),
        (b"05-11-2026 18:55", b"08-11-2026 18:55", "it was generated (5 November 2026) before its start (8 November"),
        (b"05-11-2026 21:30", b"02-10-2026 21:30", "it was generated (2 October 2026) before its start (5 November"),
    ],
    ids=[
        "joined two days later",
        "joined twelve days later, which proves the order of joins",
        "joined months earlier",
        "left two days before the join",
        "left months before the join",
        "start typed after the generation",
        "generation typed a month early",
    ],
)
def test_one_odd_time_refuses_no_resaved_report_and_is_a_warning(was: bytes, is_now: bytes, warning: str) -> None:
    """Incident: one attendee with a join of another day, and a whole report was refused with "neither fits"."""
    data = resaved(FIFTH_OF_NOVEMBER)
    assert was in data
    export = read(data.replace(was, is_now, 1))
    assert (start_of(export)[5:7], export.facts["date_order"]) == ("11", "day_first")
    assert export.rows["registered_at"].dt.month.eq(11).all()
    assert any(what.startswith(warning) for what in against(export.notes)), export.notes


@pytest.mark.parametrize("write", [*ORIGINALS.values(), iso], ids=[*ORIGINALS, "iso"])
def test_one_odd_row_of_an_unopened_report_refuses_nothing(write: object) -> None:
    joined = [*FIFTH_OF_NOVEMBER.joined[:3], at("2026-11-07T19:00")]
    truth = replace(FIFTH_OF_NOVEMBER, joined=joined)
    assert wrong(read(attendee_report(truth, write, None)), truth) == []  # type: ignore[arg-type]


def test_what_fits_wholly_goes_before_what_fits_but_for_an_odd_row() -> None:
    """An odd row is left out only where no reading explains it."""
    export = read(resaved(FIFTH_OF_NOVEMBER))
    assert (start_of(export), against(export.notes)) == ("2026-11-05 18:55", [])


def test_an_odd_row_proves_no_order_by_lying_nearer_to_a_wrong_start() -> None:
    """13 April is ten days from 3 April, but the webinar was on 4 March."""
    truth = of_one_day("2026-03-04T16:00")
    truth = replace(truth, joined=[*truth.joined, at("2026-04-13T16:00")])
    data = attendee_report(truth, ORIGINALS["numbers"], PROGRAMS["India"])
    assert b"03-04-2026 16:00" in data and b"04/13/2026 04:00:00 PM" in data  # noqa: PT018
    assert start_of(read(data, datetime(2026, 8, 1, tzinfo=UTC))) == "2026-03-04 16:00"


def late(start: str, registered: list[str]) -> Truth:
    first = at(start)
    last = max(map(at, registered))
    joined = [first + timedelta(minutes=minute) for minute in range(3)]
    return Truth(first, max(first, last) + timedelta(hours=5), last + timedelta(days=1), [*map(at, registered)], joined)


FOR_THE_RECORDING = late("2026-11-15T19:00", ["2026-11-10T10:00"] * 8 + ["2026-11-20T10:00"] * 2)


@pytest.mark.parametrize("write", [named, iso], ids=["resaved in India", "iso"])
def test_a_proved_report_in_which_many_register_for_the_recording_is_read_with_a_warning(write: object) -> None:
    """Incident: two of ten registered after the webinar, and a day-first report was refused, in ISO it was read."""
    truth = replace(FOR_THE_RECORDING, joined=FOR_THE_RECORDING.joined + [FOR_THE_RECORDING.joined[0]] * 7)
    program = PROGRAMS["India"] if write is named else None
    export = read(attendee_report(truth, write, program))  # type: ignore[arg-type]
    assert wrong(export, truth) == []
    assert against(export.notes) == ["people register (20 November 2026) after its end (15 November 2026)"]


def test_late_registrations_that_read_both_ways_refuse_no_proved_report() -> None:
    """7 November is two days after the webinar; as 11 July it would contradict nothing, but lie farther away."""
    truth = late("2026-11-05T19:00", ["2026-10-28T10:00"] * 2 + ["2026-11-07T10:00"])
    assert wrong(read(resaved(truth)), truth) == []


def test_registrations_in_the_other_order_refuse_a_report_although_some_prove_theirs() -> None:
    """Of 05-11 and 13-05, both of May, a program took the first for 5 November: numbers and names were mixed."""
    truth = late("2026-05-15T19:00", ["2026-05-13T10:00", "2026-05-14T10:00", "2026-05-11T10:00"])
    data = resaved(replace(truth, received=at("2026-12-20T10:00"))).replace(b"11-05-2026 10:00", b"05-11-2026 10:00")
    with pytest.raises(AmbiguousDates, match="day-first by their days over 12, but then people register"):
        read(data, datetime(2026, 12, 20, tzinfo=UTC))


def test_a_start_in_the_other_order_than_its_summary_proves_is_refused() -> None:
    data = resaved(of_one_day("2026-11-05T18:55", "2026-11-20T10:00"))
    data = data.replace(b"05-11-2026 18:55", b"11-05-2026 18:55").replace(b"05-11-2026 19:", b"2026-11-05 19:")
    with pytest.raises(AmbiguousDates, match="day-first by their days over 12, but then its start"):
        read(data)


def test_a_start_that_no_order_brings_near_the_joins_is_a_warning() -> None:
    data = resaved(of_one_day("2026-11-05T18:55", "2026-11-20T10:00")).replace(b"05-11-2026 19:", b"13-10-2026 19:")
    export = read(data)
    assert start_of(export) == "2026-11-05 18:55"
    assert against(export.notes) == ["its start (5 November 2026) is not near the joins (13 October 2026)"]


@pytest.mark.parametrize("write", ORIGINALS.values(), ids=ORIGINALS)
def test_late_registrations_of_an_unopened_report_are_read_as_they_are(write: object) -> None:
    """Incident: one registrant of 6 November, after a webinar of 27 October, was read as of 11 June."""
    truth = late("2026-10-27T19:00", ["2026-11-06T10:00"])
    assert wrong(read(attendee_report(truth, write, None)), truth) == []  # type: ignore[arg-type]


def test_late_registrations_that_fit_in_the_other_order_are_refused_where_nothing_says_which() -> None:
    truth = late("2026-11-05T19:00", ["2026-11-03T10:00", "2026-11-09T10:00"])
    with pytest.raises(AmbiguousDates, match="nothing in the report says which"):
        read(resaved(truth))


@pytest.mark.parametrize(
    ("start", "write", "program"),
    [
        ("2026-11-05T18:55", named, None),
        ("2026-11-05T18:55", iso, None),
        ("2026-11-15T18:55", named, PROGRAMS["India"]),
        ("2026-11-15T18:55", ORIGINALS["numbers"], None),
    ],
    ids=["named", "iso", "proved day-first", "proved month-first"],
)
def test_a_report_with_times_after_its_arrival_is_read_with_a_warning(
    start: str, write: object, program: object
) -> None:
    """Incident: a report of 5 November that had come on 1 October was taken without a word."""
    data = attendee_report(of_one_day(start), write, program)  # type: ignore[arg-type]
    export = read(data, datetime(2026, 10, 1, tzinfo=UTC))
    assert start_of(export)[:10] == start[:10]
    day = f"{at(start).day} November 2026"
    assert against(export.notes) == [f"a time in it ({day}) is later than its arrival (1 October 2026)"]


@pytest.mark.parametrize(
    "received",
    [None, LATE_NOVEMBER, datetime(2026, 11, 5, 6, tzinfo=UTC)],
    ids=["arrival not known", "weeks later", "a clock half a day behind"],
)
def test_times_before_the_arrival_need_no_warning(received: datetime | None) -> None:
    assert against(read(attendee_report(of_one_day("2026-11-05T18:55"), named, None), received).notes) == []


def test_a_registration_report_of_a_webinar_to_come_needs_no_warning() -> None:
    truth = replace(FIFTH_OF_NOVEMBER, generated=at("2026-11-04T20:00"))
    export = read(registration_report(truth, named, None), datetime(2026, 11, 4, 16, tzinfo=UTC))
    assert export.notes == []
