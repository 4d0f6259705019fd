"""A silent source is asked again for hours, after the rest of the night; nothing else is tried again."""

import itertools
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
from upath import UPath

from funnel_etl.core.errors import FunnelError, SourceRejected, SourceUnavailable
from funnel_etl.core.tables.accounting import LedgerLine, Outcome
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.core.tables.validity import Uses
from funnel_etl.platform.dagster.lake_io import LakeIOManager
from funnel_etl.platform.dagster.nights import BY_COMMAND, NIGHTLY, Night
from funnel_etl.platform.dagster.patience import PATIENCE, next_try, patience_of, waiting
from funnel_etl.platform.dagster.table_asset import table_asset
from funnel_etl.platform.lake import Lake
from funnel_etl.platform.run_lock import exclusive
from funnel_etl.settings import MOST_RETRY_HOURS, Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources

pytestmark = pytest.mark.slow

NIGHT = "2025-10-31"
HOUR = 3600.0
ID = Column("id", Kind.TEXT, "Its id.")
PULLED, OTHER = (Table("raw", name, f"One row per line of {name}", ("id",), (ID,)) for name in ("silent", "talks"))
AFTER = Table("clean", "talks", "One row per line that talks", ("id",), (ID,))


def one_row() -> Outcome:
    return Outcome(pd.DataFrame({"id": ["1"]}), [LedgerLine("made up", 1, 1)])


def attempts(patience: float, silent_for: float, each: float = 90.0) -> list[float]:
    """When a source that is silent so long is asked, in seconds after the first time; an attempt takes `each`."""
    asked, failed, now = [0.0], [], 0.0
    while now < silent_for:
        now += each
        failed.append(now)
        again = next_try(failed, patience)
        if again is None:
            break
        now = again
        asked.append(now)
    return asked


@pytest.mark.parametrize("hours", [0.1, 0.5, 1.0, 2.0, 3.0, 3.9])
def test_a_source_that_comes_back_within_four_hours_is_asked_within_half_an_hour_of_it(hours: float) -> None:
    asked = attempts(4 * HOUR, hours * HOUR)
    assert hours * HOUR <= asked[-1] <= hours * HOUR + 1800
    assert len(asked) < 16, "a source that is down is not stormed"


def test_the_pauses_grow_from_two_minutes_to_half_an_hour_and_the_last_try_is_when_the_patience_ends() -> None:
    asked = attempts(4 * HOUR, 99 * HOUR, each=0.0)
    pauses = [round(b - a) for a, b in itertools.pairwise(asked)]
    assert pauses[:5] == [120, 240, 480, 960, 1800]
    assert max(pauses) == 1800
    assert asked[-1] == 4 * HOUR


def test_no_patience_is_one_attempt() -> None:
    assert attempts(0.0, HOUR) == [0.0]


@pytest.mark.parametrize(
    ("job", "tags", "hours"),
    [
        pytest.param(NIGHTLY, {}, 4.0, id="the schedule"),
        pytest.param(NIGHTLY, {BY_COMMAND: "here", PATIENCE: "0.0"}, 0.0, id="a person at a terminal"),
        pytest.param(NIGHTLY, {BY_COMMAND: "here", PATIENCE: "7200.0"}, 2.0, id="who asked to wait"),
        pytest.param("__ASSET_JOB", {}, 0.0, id="a person in the UI"),
    ],
)
def test_only_the_night_of_the_schedule_and_who_asks_for_it_wait(job: str, tags: dict[str, str], hours: float) -> None:
    run = dg.DagsterRun(job_name=job, tags=tags)
    assert patience_of(run, Settings()) == hours * HOUR


def test_a_night_may_not_wait_into_the_next() -> None:
    with pytest.raises(ValueError, match="less than or equal to 12"):
        Settings(pull_retry_hours=MOST_RETRY_HOURS + 1)


Night_ = Callable[..., dg.ExecuteInProcessResult]


class Told:
    """What a made-up night did, in order, and a source that fails as often as is said."""

    def __init__(self, failures: int, error: type[FunnelError] = SourceUnavailable) -> None:
        self.failures = failures
        self.error = error
        self.did: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def pull(self) -> Outcome:
        self.did.append("silent")
        if self.did.count("silent") <= self.failures:
            raise self.error("no answer within 30 s", where="crm_sales", fix="see that it runs")
        return one_row()

    def talk(self, what: str) -> Outcome:
        self.did.append(what)
        return one_row()


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., dg.ExecuteInProcessResult]:
    """Run a night of a silent source, another source, and a table after that one."""

    def start(told: Told, patience: float, instance: dg.DagsterInstance | None = None) -> dg.ExecuteInProcessResult:
        @table_asset(PULLED, group="sales", uses=Uses.SOURCE)
        def silent(night: Night) -> Outcome:
            """Pull the silent source."""
            assert night.day == date.fromisoformat(NIGHT)
            return told.pull()

        @table_asset(OTHER, group="marketing", uses=Uses.SOURCE)
        def talks(night: Night) -> Outcome:
            """Pull the other source."""
            assert night.day
            return told.talk("talks")

        @table_asset(AFTER, group="marketing", inputs={"raw": OTHER})
        def after(night: Night, raw: pd.DataFrame) -> Outcome:
            """Follow the other source."""
            assert len(raw) == 1
            assert night.day
            return told.talk("after")

        lake = Lake(UPath(tmp_path / "lake"))
        with nullcontext(instance) if instance else dg.DagsterInstance.ephemeral() as used:
            return dg.materialize(
                [silent, talks, after],
                partition_key=NIGHT,
                resources={
                    "sources": NightlySources(Settings(home=tmp_path / "state"), Landing(tmp_path / "landing")),
                    "lake": LakeIOManager(lake, [PULLED, OTHER, AFTER]),
                },
                instance=used,
                tags={PATIENCE: str(patience)},
                raise_on_error=False,
            )

    return start


def test_the_rest_of_the_night_goes_on_before_a_silent_source_is_asked_again(run: Night_) -> None:
    told = Told(failures=3)
    assert run(told, 60.0).success
    assert told.did == ["silent", "talks", "after", "silent", "silent", "silent"]


def test_a_source_that_stays_silent_fails_in_one_line_that_says_how_often_it_was_asked(run: Night_) -> None:
    told = Told(failures=99)
    done = run(told, 1.0)
    assert not done.success
    (failure,) = (event for event in done.all_events if event.is_step_failure)
    assert failure.step_failure_data.user_failure_data is not None
    why = str(failure.step_failure_data.user_failure_data.description)
    assert why.startswith("crm_sales: no answer within 30 s (asked ")
    assert f"asked {told.did.count('silent')} times since " in why
    assert why.endswith("Fix: see that it runs")
    assert 4 < told.did.count("silent") < 16
    assert "after" in told.did


def test_without_patience_a_silent_source_is_asked_once(run: Night_) -> None:
    told = Told(failures=99)
    assert not run(told, 0.0).success
    assert told.did.count("silent") == 1


def test_what_will_not_pass_by_itself_is_not_asked_again(run: Night_) -> None:
    told = Told(failures=99, error=SourceRejected)
    assert not run(told, 60.0).success
    assert told.did.count("silent") == 1


def test_nothing_but_a_pull_is_tried_again(tmp_path: Path) -> None:
    tried = []

    @table_asset(AFTER, group="marketing")
    def after(night: Night) -> Outcome:
        """Fail, though it may pass."""
        tried.append(night.day)
        raise FunnelError("the connection broke off", fix="run again", transient=True)

    done = dg.materialize(
        [after],
        partition_key=NIGHT,
        resources={
            "sources": NightlySources(Settings(home=tmp_path), Landing(tmp_path / "landing")),
            "lake": LakeIOManager(Lake(UPath(tmp_path / "lake")), [AFTER]),
        },
        tags={PATIENCE: "60"},
        raise_on_error=False,
    )
    assert not done.success
    assert len(tried) == 1


def test_while_a_night_waits_it_is_told_for_what_and_not_that_it_failed(
    run: Night_, monkeypatch: pytest.MonkeyPatch
) -> None:
    from funnel_etl.observe.alerts.failures import failed_runs  # noqa: PLC0415

    seen = []
    with dg.DagsterInstance.ephemeral() as instance:

        def look(_seconds: float) -> None:
            seen.append((list(waiting(instance)), failed_runs(instance, datetime.now(UTC))))

        monkeypatch.setattr("funnel_etl.platform.dagster.patience.time.sleep", look)
        assert run(Told(failures=2), 600.0, instance).success
        assert list(waiting(instance)) == []
    assert len(seen) == 2
    for waits, failed in seen:
        (one,) = waits
        assert (one.asset, one.night) == ("raw/silent", NIGHT)
        assert one.why == "crm_sales: no answer within 30 s. Fix: see that it runs"
        assert failed == []
    assert seen[0][0][0].since == seen[1][0][0].since


def test_the_turn_is_free_while_a_night_waits_and_its_own_again_when_it_goes_on(
    run: Night_, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl  # noqa: PLC0415

    state, free = tmp_path / "state", []

    def is_free() -> bool:
        with (state / "night.lock").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    monkeypatch.setattr("funnel_etl.platform.dagster.patience.time.sleep", lambda _: free.append(is_free()))
    with exclusive(state, lambda: None):
        assert not is_free()
        assert run(Told(failures=1), 600.0).success
        assert free == [True]
        assert not is_free()
    assert is_free()
