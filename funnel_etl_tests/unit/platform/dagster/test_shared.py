"""What several assets of a run work out alike: made once a run, and forgotten after its last use."""

import weakref
from datetime import date
from pathlib import Path

from funnel_etl.platform.dagster.nights import Night
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources

DAY = date(2025, 10, 31)


class Sheet:
    """Something large."""


def night(sources: NightlySources, run_id: str, day: date = DAY) -> Night:
    return Night(day, sources, run_id)


def test_it_is_made_once_a_run_and_forgotten_after_its_last_use(tmp_path: Path) -> None:
    sources = NightlySources(Settings(home=tmp_path, _env_file=None), Landing(tmp_path / "landing"))
    first = night(sources, "a").shared("sheet", Sheet, 2)
    assert night(sources, "a").shared("other sheet", Sheet, 2) is not first
    assert night(sources, "a", date(2025, 11, 1)).shared("sheet", Sheet, 2) is not first
    assert night(sources, "a").shared("sheet", Sheet, 2) is first
    known = weakref.ref(first)
    del first
    assert known() is None
    assert isinstance(night(sources, "a").shared("sheet", Sheet, 2), Sheet)


def test_another_run_makes_its_own_and_what_was_left_of_the_one_before_goes(tmp_path: Path) -> None:
    sources = NightlySources(Settings(home=tmp_path, _env_file=None), Landing(tmp_path / "landing"))
    left = weakref.ref(night(sources, "a").shared("sheet", Sheet, 2))
    assert left() is not None
    night(sources, "b").shared("sheet", Sheet, 2)
    assert left() is None


def test_outside_a_run_nothing_is_kept(tmp_path: Path) -> None:
    sources = NightlySources(Settings(home=tmp_path, _env_file=None), Landing(tmp_path / "landing"))
    made = weakref.ref(night(sources, "").shared("sheet", Sheet, 2))
    assert made() is None
