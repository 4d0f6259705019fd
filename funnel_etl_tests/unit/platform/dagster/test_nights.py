"""The nights of an installation: they begin with its first one, in every process, and never later than before.

Issue 10: every asset had 2,524 partitions, 2,523 of them missing, beside a button that would run them all.
"""

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from funnel_etl.assembly import build_definitions
from funnel_etl.automation import watch_request
from funnel_etl.platform.dagster.nights import BY_COMMAND, FIRST_NIGHT, PARTITION, begin_nights, first_night, maker_of
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, _env_file=None)


def partitions(settings: Settings) -> list[str]:
    """The nights of all assets of the night, as a process that begins now loads them."""
    graph = build_definitions(settings).resolve_asset_graph()
    found = {each.partitions_def for each in graph.assets_defs if each.partitions_def}
    [nights] = [each for each in found if isinstance(each, dg.DailyPartitionsDefinition)]
    return list(nights.get_partition_keys())


def test_a_new_installation_begins_with_yesterday(settings: Settings) -> None:
    assert partitions(settings) == [settings.yesterday().isoformat()]
    begin_nights(settings, settings.yesterday())
    assert partitions(settings) == [settings.yesterday().isoformat()]


def test_the_partitions_begin_with_the_first_night_and_an_earlier_one_moves_them_back(settings: Settings) -> None:
    yesterday = settings.yesterday()
    begin_nights(settings, yesterday - timedelta(days=2))
    assert partitions(settings) == [str(yesterday - timedelta(days=back)) for back in (2, 1, 0)]
    begin_nights(settings, yesterday)
    assert len(partitions(settings)) == 3, "a later night does not move them forward"
    begin_nights(settings, yesterday - timedelta(days=30))
    assert len(partitions(settings)) == 31


def test_an_installation_of_before_begins_with_the_first_night_of_its_archive(settings: Settings) -> None:
    landing = Landing(settings.landing_root)
    for night in (date(2026, 3, 5), date(2026, 3, 2)):
        landing.record_night(night, "config_funnels", [])
    begin_nights(settings, settings.yesterday())
    assert first_night(settings) == date(2026, 3, 2)


def test_a_damaged_file_is_written_anew(settings: Settings) -> None:
    begin_nights(settings, date(2026, 3, 5))
    (settings.state / FIRST_NIGHT).write_text("2026-")
    assert first_night(settings) == settings.yesterday()
    begin_nights(settings, date(2026, 3, 7))
    assert (settings.state / FIRST_NIGHT).read_text() == "2026-03-07"


def test_a_process_that_goes_on_for_days_and_a_new_one_have_the_same_first_night(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin_nights(settings, settings.yesterday())
    before = partitions(settings)[0]
    later = settings.yesterday() + timedelta(days=3)
    monkeypatch.setattr(Settings, "yesterday", lambda _: later)
    begin_nights(settings, settings.yesterday())
    assert first_night(settings).isoformat() == before


@dg.job
def night() -> None:
    """A job."""


def test_a_run_that_the_ui_repeats_is_not_the_command_s_and_is_watched() -> None:
    with dg.DagsterInstance.ephemeral() as opened:
        tags = {BY_COMMAND: "host:/state", PARTITION: "2026-11-20"}
        run = opened.create_run_for_job(night, tags=tags)
        again = opened.create_run_for_job(night, tags=tags, parent_run_id=run.run_id, root_run_id=run.run_id)
        assert (maker_of(run), maker_of(again)) == ("host:/state", None)
        assert isinstance(watch_request(run), dg.SkipReason)
        assert isinstance(watch_request(again), dg.RunRequest)
