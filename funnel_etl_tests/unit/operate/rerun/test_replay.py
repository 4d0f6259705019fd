"""Which nights can be replayed, and what is said of the others."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from funnel_etl.core.errors import FunnelError
from funnel_etl.operate.rerun.replay import _require_replayable, replayable, spans
from funnel_etl.sources.archive.landing import Landing

FIRST, SECOND, THIRD = NIGHTS = (date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2))
NOW = datetime(2026, 11, 3, tzinfo=UTC)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    """Three nights, each with config, leads and sales of its own."""
    made = Landing(tmp_path)
    for night in NIGHTS:
        for source in ("config_funnels", "tofu_leads", "crm_sales"):
            arrival = made.put(source, "pull", "file.csv", f"{source} {night}".encode(), received_at=NOW)
            made.record_night(night, source, [arrival.file_id])
    return made


def remove(landing: Landing, source: str, night: date) -> None:
    (file_id,) = landing.night(night, source) or []
    landing.remove(file_id, "purged on a day")


def test_days_in_a_row_are_told_as_first_to_last() -> None:
    days = [*NIGHTS, date(2026, 11, 4), date(2026, 11, 6), date(2026, 11, 7)]
    assert spans(days) == "2026-10-31 to 2026-11-02, 2026-11-04, 2026-11-06 to 2026-11-07"


def test_a_night_whose_files_are_all_there_can_be_replayed(landing: Landing) -> None:
    assert replayable(landing) == [*NIGHTS]
    for night in NIGHTS:
        _require_replayable(landing, night)


def test_a_night_without_its_leads_cannot_be_and_the_others_can(landing: Landing) -> None:
    remove(landing, "tofu_leads", SECOND)
    assert replayable(landing) == [FIRST, THIRD]
    _require_replayable(landing, THIRD)
    match = r"2026-11-01 used are not there any more \(tofu_leads: purged on a day\).*one of 2026-10-31, 2026-11-02"
    with pytest.raises(FunnelError, match=match):
        _require_replayable(landing, SECOND)


def test_a_night_stands_on_the_crm_s_dumps_of_all_nights_before_it(landing: Landing) -> None:
    remove(landing, "crm_sales", SECOND)
    assert replayable(landing) == [FIRST]
    with pytest.raises(FunnelError, match="2026-11-01 used, and the night 2026-11-02 stands on, are not there"):
        _require_replayable(landing, THIRD)


def test_a_lost_file_is_told_as_lost(landing: Landing, tmp_path: Path) -> None:
    (file_id,) = landing.night(FIRST, "config_funnels") or []
    (tmp_path / "objects" / file_id[:2] / file_id).unlink()
    with pytest.raises(FunnelError, match="config_funnels: nothing says why: they are lost"):
        _require_replayable(landing, FIRST)


def test_of_an_empty_archive_it_is_said_to_run_a_night_first(tmp_path: Path) -> None:
    with pytest.raises(FunnelError, match=r"never ran\. Fix: run a night first"):
        _require_replayable(Landing(tmp_path), FIRST)


def test_a_night_that_took_nothing_in_is_told_so(landing: Landing) -> None:
    landing.record_night(date(2026, 11, 3), "config_funnels", [])
    with pytest.raises(FunnelError, match="the night 2026-11-03 took nothing in"):
        _require_replayable(landing, date(2026, 11, 3))
