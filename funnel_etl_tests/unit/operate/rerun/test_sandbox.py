"""A night off to the side reads the real stores and writes only aside."""

import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from funnel_etl.catalog import SOURCES
from funnel_etl.core.errors import FunnelError
from funnel_etl.marts.funnel.contracts import DATA_VERSION
from funnel_etl.operate.rerun.sandbox import OverlayStore, edited_night, sandbox_prefix
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.archive.store import LocalStore

NIGHT, BEFORE = date(2026, 11, 20), date(2026, 11, 19)
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None, home=tmp_path / "home", config_dir=tmp_path / "config", lake_url=None, landing_url=None
    )


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_store_aside_reads_both_and_writes_only_aside(tmp_path: Path) -> None:
    real, away = LocalStore(tmp_path / "real"), LocalStore(tmp_path / "aside")
    real.write("a/1", b"real")
    real.write("a/2", b"real")
    before = files(tmp_path / "real")
    store = OverlayStore(real, away)
    store.write("a/2", b"aside")
    with store.workspace() as path:
        path.write_bytes(b"filled")
        store.adopt(path, "a/3")
    assert [store.read(name) for name in ("a/1", "a/2", "a/3")] == [b"real", b"aside", b"filled"]
    assert store.names("a") == ["a/1", "a/2", "a/3"]
    assert dict(store.read_below("a")) == {"a/1": b"real", "a/2": b"aside", "a/3": b"filled"}
    assert [store.exists(name) for name in ("a/1", "a/3", "a/4")] == [True, True, False]
    with store.open("a/2") as file:
        assert file.read() == b"aside"
    with pytest.raises(FileNotFoundError):
        store.read("a/4")
    assert store.sweep(timedelta(0)) == 0
    assert files(tmp_path / "real") == before


def test_what_is_landed_recorded_and_made_aside_is_seen_there_and_gone_afterwards(settings: Settings) -> None:
    landing, lake = Landing(settings.landing_root), Lake(settings.lake_root)
    kept = landing.put("crm_sales", "pull", "sales.csv", b"then", received_at=NOW)
    landing.record_night(BEFORE, "crm_sales", [kept.file_id])
    lake.write(DATA_VERSION, BEFORE, DATA_VERSION.empty())
    before = files(settings.state)
    with edited_night(settings, NIGHT) as place:
        new = place.sources.landing.put("crm_sales", "pull", "sales.csv", b"now", received_at=NOW)
        place.sources.landing.record_night(NIGHT, "crm_sales", [new.file_id])
        assert place.sources.landing.nights("crm_sales") == [BEFORE, NIGHT]
        assert [place.sources.landing.read(f) for f in (kept.file_id, new.file_id)] == [b"then", b"now"]
        assert len(place.sources.landing.arrivals("crm_sales")) == 2
        place.lake.write(DATA_VERSION, NIGHT, DATA_VERSION.empty())
        assert place.lake.nights(DATA_VERSION) == [BEFORE, NIGHT]
        pd.testing.assert_frame_equal(place.lake.read(DATA_VERSION, BEFORE), DATA_VERSION.empty())
    assert files(settings.state) == before


def test_the_night_has_the_bytes_it_used_although_it_is_the_newest_and_never_pulls(settings: Settings) -> None:
    landing = Landing(settings.landing_root)
    kept = landing.put("crm_sales", "pull", "sales.csv", b"then", received_at=NOW)
    landing.record_night(NIGHT, "crm_sales", [kept.file_id])
    with edited_night(settings, NIGHT) as place:
        assert place.sources.pull(SOURCES["crm_sales"], NIGHT).file_ids == (kept.file_id,)
        with pytest.raises(FunnelError, match=r"no record of what it used of zoom\. Fix: run that night again"):
            place.sources.recorded("zoom", NIGHT)


def test_config_is_the_folder_as_it_lies_also_when_a_later_night_has_recorded_its_own(settings: Settings) -> None:
    assert settings.config_dir is not None
    settings.config_dir.mkdir()
    funnels = settings.config_dir / "funnels.csv"
    funnels.write_text("funnel\nWebinar\n")
    landing = Landing(settings.landing_root)
    kept = landing.put("config_funnels", "config", "funnels.csv", b"funnel\nOld\n", received_at=NOW)
    for night in (NIGHT, NIGHT + timedelta(days=1)):
        landing.record_night(night, "config_funnels", [kept.file_id])
    before = files(settings.state)
    with edited_night(settings, NIGHT) as place:
        assert [version.status for version in place.sources.accept_config(NIGHT)] == ["accepted"]
        assert place.sources.config(NIGHT).table("funnels")["funnel"].tolist() == ["Webinar"]
    assert files(settings.state) == before


def test_the_temporary_folders_of_another_installation_are_told_apart(settings: Settings, tmp_path: Path) -> None:
    """Regression: erasing a person in one installation took them out of a replay that another was just making."""
    other = Settings(_env_file=None, home=tmp_path / "other", lake_url=None, landing_url=None)
    assert sandbox_prefix(settings) != sandbox_prefix(other)
    with edited_night(settings, NIGHT):
        folders = list(Path(tempfile.gettempdir()).glob(f"{sandbox_prefix(settings)}*"))
        assert len(folders) == 1
        assert list(Path(tempfile.gettempdir()).glob(f"{sandbox_prefix(other)}*")) == []
    assert not folders[0].exists()
