"""What several assets of a run work out alike: made once a run, and forgotten after the last of them."""

import weakref
from datetime import date
from pathlib import Path

from funnel_etl.marts.parity.contracts import DIFF, M0
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources

DAY = date(2025, 10, 31)
USERS = (M0, DIFF)


class Sheet:
    """Something large."""


def night(sources: NightlySources, run_id: str, day: date = DAY) -> Night:
    return Night(day, sources, run_id)


def test_it_is_made_once_a_run_and_forgotten_when_all_its_users_are_done(tmp_path: Path) -> None:
    sources = NightlySources(Settings(home=tmp_path, _env_file=None), Landing(tmp_path / "landing"))
    first = night(sources, "a").shared("sheet", Sheet, USERS)
    assert night(sources, "a").shared("other sheet", Sheet, USERS) is not first
    assert night(sources, "a", date(2025, 11, 1)).shared("sheet", Sheet, USERS) is not first
    night(sources, "a").done(M0)
    assert night(sources, "a").shared("sheet", Sheet, USERS) is first
    known = weakref.ref(first)
    del first
    assert known() is not None
    night(sources, "a").done(DIFF)
    assert known() is None
    assert isinstance(night(sources, "a").shared("sheet", Sheet, USERS), Sheet)


def test_a_user_that_was_done_before_it_was_made_is_not_waited_for(tmp_path: Path) -> None:
    sources = NightlySources(Settings(home=tmp_path, _env_file=None), Landing(tmp_path / "landing"))
    night(sources, "a").done(M0)
    made = weakref.ref(night(sources, "a").shared("sheet", Sheet, USERS))
    assert made() is not None
    night(sources, "a").done(DIFF)
    assert made() is None


def test_another_run_makes_its_own_and_what_was_left_of_the_one_before_goes(tmp_path: Path) -> None:
    sources = NightlySources(Settings(home=tmp_path, _env_file=None), Landing(tmp_path / "landing"))
    night(sources, "a").done(M0)
    left = weakref.ref(night(sources, "a").shared("sheet", Sheet, USERS))
    assert left() is not None
    of_next = weakref.ref(night(sources, "b").shared("sheet", Sheet, USERS))
    assert left() is None
    night(sources, "b").done(DIFF)
    assert of_next() is not None, "M0 of this run is still to come"


def test_outside_a_run_nothing_is_kept(tmp_path: Path) -> None:
    sources = NightlySources(Settings(home=tmp_path, _env_file=None), Landing(tmp_path / "landing"))
    made = weakref.ref(night(sources, "").shared("sheet", Sheet, USERS))
    assert made() is None
