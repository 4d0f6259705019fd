"""Which reports a night uses. Reading them is tested in `test_read`, taking files in `sources/test_taking`."""

import shutil
from datetime import UTC, date, datetime
from itertools import permutations
from pathlib import Path

import pytest
from upath import UPath

from funnel_etl.parts.marketing.zoom.intake import ParsedReports, night_files, reports_of, rows_of
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.archive.store import open_store
from funnel_etl.sources.nightly import NightlySources

FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)


@pytest.fixture
def sources(tmp_path: Path) -> NightlySources:
    settings = Settings(home=tmp_path, drop_settle_seconds=0)
    return NightlySources(settings, Landing(tmp_path / "landing"))


def night(sources: NightlySources, day: date) -> list[tuple[str, str | None]]:
    parsed = ParsedReports(open_store(UPath(sources.settings.lake_root)), sources)
    return [(arrival.name, arrival.folder) for arrival in night_files(sources, parsed, day)]


def land(sources: NightlySources, name: str, folder: str | None, data: bytes = b"same", *, minute: int = 0) -> None:
    received = datetime(2026, 3, 1, 12, minute, tzinfo=UTC)
    sources.landing.put("zoom", "file", name, data, received_at=received, folder=folder)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_the_same_bytes_in_several_places_the_one_in_a_sub_folder_counts_in_any_order(
    sources: NightlySources, order: tuple[int, ...]
) -> None:
    places = [("a.csv", None), ("b.csv", "plutus_bootcamp"), ("a (1).csv", None)]
    for minute, which in enumerate(order):
        land(sources, *places[which], minute=minute)
    assert night(sources, FIRST) == [("b.csv", "plutus_bootcamp")]


def test_an_overtaken_night_uses_the_reports_it_used(sources: NightlySources) -> None:
    land(sources, "a.csv", None, b"a")
    night(sources, FIRST)
    land(sources, "b.csv", None, b"b", minute=1)
    assert len(night(sources, SECOND)) == 2
    assert night(sources, FIRST) == [("a.csv", None)]


def test_dates_are_held_against_the_first_arrival_of_the_file_on_every_night(sources: NightlySources) -> None:
    """Read again a year later, from the archive alone, it gives what it gave at first."""
    report = (
        b"Attendee Report\nReport Generated:,05-11-2026 21:30\nTopic,Webinar ID,Actual Start Time\n"
        b"T,123 456 7890,05-11-2026 19:00\nAttendee Details\nAttended,Email,Join Time,Leave Time\n"
        b"Yes,a@example.com,05-11-2026 19:00,05-11-2026 20:00\n"
    )
    for name, received in (
        ("late.csv", datetime(2027, 12, 1, tzinfo=UTC)),
        ("a.csv", datetime(2026, 5, 20, tzinfo=UTC)),
    ):
        arrival = sources.landing.put("zoom", "file", name, report, received_at=received)
    for _ in range(2):
        parsed = ParsedReports(open_store(UPath(sources.settings.lake_root)), sources)
        facts, _measures = parsed.summary(arrival.file_id)
        assert (facts["date_order"], str(facts["started_at"])[:10]) == ("month_first", "2026-05-11")
        shutil.rmtree(sources.settings.lake_root)


def test_a_report_the_reader_no_longer_reads_is_left_out_with_a_note_and_stops_no_other(
    sources: NightlySources,
) -> None:
    report = (
        "Attendee Report,\nReport generated time,05/20/2026 10:00:00 AM\n"
        "Topic,Webinar ID,Actual Start Time,Actual Duration (minutes)\nTalk,123 456 7890,05/12/2026 09:00:00 AM,60\n"
        "Attendee Details\nAttended,User Name (Original Name),Email,Join Time,Leave Time,Time in Session (minutes)\n"
        "Yes,Asha,asha@example.com,05/12/2026 09:00:00 AM,05/12/2026 09:30:00 AM,30\n"
    )
    land(sources, "good.csv", None, report.encode())
    land(sources, "odd.csv", None, b"accepted by an older reader", minute=1)
    parsed = ParsedReports(open_store(UPath(sources.settings.lake_root)), sources)
    outcome = reports_of(night_files(sources, parsed, FIRST), parsed, 0.99, "Asia/Kolkata", {}, {})
    assert outcome.rows["name"].tolist() == ["good.csv"]
    assert outcome.ledger[0].reasons == {"excluded:no_longer_read": 1}
    assert outcome.ledger[0].balances
    assert "is no longer read" in outcome.notes[0]
    rows = rows_of(outcome.rows, "attendee", parsed)
    file_id = outcome.rows["file_id"].iloc[0]
    assert [(line.input_name, line.rows_in, line.rows_out) for line in rows.ledger] == [(f"file {file_id}", 1, 1)]
