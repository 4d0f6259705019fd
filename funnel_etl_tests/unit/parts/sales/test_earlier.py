import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from funnel_etl.parts.sales import contracts
from funnel_etl.parts.sales.earlier import history_before
from funnel_etl.parts.sales.sources import ASSIGNED_LEADS, SALES_DUMP
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.source_assets import clean_before, clean_of
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources

pytestmark = pytest.mark.slow

LEADS = {
    date(2026, 3, 1): ["2026-02-01 10:00", "2026-03-01 10:00"],
    date(2026, 3, 2): ["2026-03-01 10:00", "2026-03-02 10:00"],  # the window moved past the first of February
    date(2026, 3, 3): ["2026-03-02 10:00", "2026-03-03 10:00"],
}


@pytest.fixture
def sources(tmp_path: Path) -> NightlySources:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "funnels.csv").write_text("funnel\nWebinar\n")
    settings = Settings(
        home=tmp_path,
        config_dir=tmp_path / "config",
        addresses={"crm_assigned_leads": str(tmp_path / "leads.csv"), "crm_sales": str(tmp_path / "sales.csv")},
    )
    header = ",".join(column.name for column in contracts.SALES_SOURCE)
    (tmp_path / "sales.csv").write_text(header + "\n")
    return NightlySources(settings, Landing(tmp_path / "landing"))


def run(sources: NightlySources, lake: Lake, day: date) -> pd.DataFrame:
    """Land a night's dumps and make its assignments, as the assets do."""
    lines = [f"Webinar,{at},98765{at[5:7]}{at[8:10]}1,Asha" for at in LEADS[day]]
    Path(sources.settings.addresses["crm_assigned_leads"]).write_text(
        "\n".join(["sources,assignOn,leadMobile,employee", *lines]) + "\n"
    )
    sources.accept_config(day)
    night = Night(day, sources, "run")
    night.records(SALES_DUMP)
    rows = clean_of(ASSIGNED_LEADS, night, clean_before(ASSIGNED_LEADS, night, lake)).rows
    lake.write(contracts.ASSIGNED_LEADS, day, contracts.ASSIGNED_LEADS.conform(rows))
    return rows


def test_a_lake_that_was_deleted_is_made_again_from_the_archive(sources: NightlySources, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    for day in LEADS:
        whole = run(sources, lake, day)
    shutil.rmtree(tmp_path / "lake")
    night = Night(max(LEADS), sources, "run")

    again = clean_before(ASSIGNED_LEADS, night, Lake(str(tmp_path / "lake")))

    assert again is not None
    assert sorted(again["assigned_date"].dt.strftime("%m-%d")) == ["02-01", "03-01", "03-02"]
    assert sorted(whole["assigned_date"].dt.strftime("%m-%d")) == ["02-01", "03-01", "03-02", "03-03"]
    assert (whole["dump_state"] == "aged_out").sum() == 2


def test_only_the_nights_the_lake_lacks_are_made_again(
    sources: NightlySources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(str(tmp_path / "lake"))
    for day in LEADS:
        run(sources, lake, day)
    monkeypatch.setattr(
        "funnel_etl.platform.dagster.source_assets.clean_of", lambda *_: pytest.fail("the night before is in the lake")
    )
    assert clean_before(ASSIGNED_LEADS, Night(max(LEADS), sources, "run"), lake) is not None


def test_history_is_made_again_without_a_lake_and_rows_that_aged_out_did_not_disappear(
    sources: NightlySources, tmp_path: Path
) -> None:
    lake = Lake(str(tmp_path / "lake"))
    for day in LEADS:
        run(sources, lake, day)
    history = history_before(Night(max(LEADS), sources, "run"), lake)
    assert history is not None
    assert history["change"].value_counts().to_dict() == {"inserted": 3}


def test_the_first_night_has_none_before_it(sources: NightlySources, tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    run(sources, lake, min(LEADS))
    assert clean_before(ASSIGNED_LEADS, Night(min(LEADS), sources, "run"), lake) is None
