"""What a night reuses of another is what it would have made: proved by making all of it again, aside.

Monday's sources of the golden week, with a sale of Tuesday among them, stay as they are; later nights look at them, up
to one over the end of a month.
"""

import shutil
from datetime import date

import pytest
from upath import UPath

from funnel_etl.assembly import TABLES, build_definitions
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.contracts import Table
from funnel_etl.core.tables.validity import Validity
from funnel_etl.operate.rerun.sandbox import edited_night, make_tables, table_assets
from funnel_etl.platform.dagster import table_asset
from funnel_etl.platform.lake import Lake
from funnel_etl_tests.golden.week import MON, NIGHTS, TUE, write_night
from funnel_etl_tests.installation import Installation, Published

pytestmark = pytest.mark.slow

LATER = (TUE, date(2025, 11, 5), date(2025, 11, 6), date(2025, 11, 30), date(2025, 12, 1))
BY_MONTH = {"mart.cohorts", "mart.lead_journey", "parity.m0", "parity.diff"}
"""Tables that tell something else when a month begins."""
SHOW_THE_NIGHT = {"mart.handover_gaps", "mart.qualified_leads"}
"""Tables that tell how many days have passed: reused when their own night is run again."""


def on_monday(published: Published) -> Installation:
    """Return an installation with the sources of Monday, and that night."""
    new = published.new()
    shutil.rmtree(new.config)
    new.config.mkdir()
    for night in NIGHTS[: NIGHTS.index(MON) + 1]:
        write_night(night, new.pull_from_files(), new.config, new.drop / "zoom")
    run(new, MON)
    return new


@pytest.fixture(scope="module")
def installation(published: Published) -> Installation:
    """One with the later nights; what changes it stands at the end of this module."""
    new = on_monday(published)
    for night in LATER:
        run(new, night)
    return new


def run(installation: Installation, night: date) -> None:
    done = installation.night(night)
    assert done.is_published, done.failures


def lake_of(installation: Installation) -> Lake:
    return Lake(UPath(installation.home / "state" / "lake"))


def accounts(installation: Installation, night: date) -> dict[str, Outcome]:
    lake = lake_of(installation)
    return {t.full_name: lake.read_account(t, night)[0] for t in TABLES if lake.exists(t, night)}


def reused(installation: Installation, night: date) -> set[str]:
    """Return the tables of a night that it did not make."""
    made = {name: account.made for name, account in accounts(installation, night).items()}
    return {name for name, one in made.items() if one and one.night != night}


def keys(installation: Installation, night: date) -> dict[str, str]:
    """Return the keys of the tables of a night that may be reused."""
    return {name: one.made.key for name, one in accounts(installation, night).items() if one.made}


def differing(installation: Installation, night: date) -> set[str]:
    """Return the tables of a night, or those whose account, is not what making all of them again gives."""
    lake = lake_of(installation)
    with installation.settings() as settings, edited_night(settings, night) as aside:
        aside.sources.accept_config(night)
        assets = table_assets(build_definitions(settings), TABLES)
        assert make_tables(assets, aside, night, TABLES) == {}
        made = [table for asset in assets for table in TABLES if table.asset_key in [[*key.path] for key in asset.keys]]
        assert len(made) > 35
        return {table.full_name for table in made if as_made(lake, table, night) != as_made(aside.lake, table, night)}


def as_made(lake: Lake, table: Table, night: date) -> tuple[object, ...]:
    account, _ = lake.read_account(table, night)
    cells = [frame.to_csv(index=False) for frame in (account.quarantine, account.merged)]
    return (lake.content_hash(table, night), account.ledger, account.notes, account.problems, account.drift, *cells)


@pytest.mark.parametrize("night", LATER, ids=str)
def test_a_night_is_what_making_all_of_it_again_gives(installation: Installation, night: date) -> None:
    assert differing(installation, night) == set()
    assert not reused(installation, night) & SHOW_THE_NIGHT


def test_every_table_that_may_be_reused_is_put_to_this_proof(installation: Installation) -> None:
    of_night = {night: reused(installation, night) for night in LATER}
    reusable = {*keys(installation, LATER[-1])} - SHOW_THE_NIGHT
    assert len(reusable) > 30
    assert of_night[LATER[2]] == reusable, "all was the same the day before"
    assert "clean.crm_history" in of_night[TUE], "the same dumps came: it has settled"
    assert not of_night[TUE] & {"mart.attributed_sales", "mart.revenue_changes", "mart.lead_journey"}
    assert reusable - of_night[LATER[-1]] == BY_MONTH | {"mart.attributed_m0", "mart.restatements"}


def test_the_proof_finds_a_use_of_the_as_of_date_that_is_not_declared(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_asset, "validity", lambda *_: Validity())
    forgetting, december = on_monday(published), date(2025, 12, 2)
    assert "ops/changes" in forgetting.night(TUE).failures, "its own check tells, too"
    assert "mart.attributed_sales" in differing(forgetting, TUE), "a cut"
    forgetting.night(december)
    assert differing(forgetting, december) >= BY_MONTH


def test_a_night_that_is_run_again_is_what_making_all_of_it_again_gives(published: Published) -> None:
    twice = on_monday(published)
    accounts_before = accounts(twice, MON)
    run(twice, MON)
    assert differing(twice, MON) == set()
    of_first = {name: account.made for name, account in accounts_before.items() if account.made}
    assert {*of_first} >= SHOW_THE_NIGHT
    assert {name: account.made for name, account in accounts(twice, MON).items() if account.made} == of_first


def test_each_night_names_its_own_run_in_the_ledger(installation: Installation) -> None:
    lines = installation.query(
        "SELECT as_of, count(DISTINCT run_id) AS runs, count(DISTINCT asset) AS assets FROM ops.row_ledger "
        "WHERE part = 'funnel' GROUP BY as_of"
    )
    assert lines["runs"].tolist() == [1] * (len(LATER) + 1)
    assert lines["assets"].nunique() == 1
    runs = installation.value("SELECT count(DISTINCT run_id) FROM ops.row_ledger WHERE part = 'funnel'")
    assert runs == len(LATER) + 1


def test_a_night_can_be_told_to_make_every_table(installation: Installation) -> None:
    done = installation.command("run", "--as-of", str(LATER[-1]), "--remake")
    assert done.returncode == 0, done.stdout + done.stderr
    assert reused(installation, LATER[-1]) == set()
    assert differing(installation, LATER[-1]) == set()


def test_a_person_erased_is_gone_from_every_night_that_shares_a_file(installation: Installation) -> None:
    bina, lake = "9876500002", lake_of(installation)
    before = keys(installation, LATER[-1])
    files = [*(installation.home / "state" / "lake").rglob("*.parquet")]
    assert sum(path.stat().st_nlink > 1 for path in files) > 60
    done = installation.command("erase", bina, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    tables = 0
    for table in TABLES:
        for night in lake.nights(table):
            assert bina not in lake.read_arrow(table, night).to_pandas().to_csv(), (table.full_name, night)
            tables += 1
    assert tables > 250
    after = keys(installation, LATER[-1])
    assert len(after) > 30
    assert not {name for name in after if after[name] == before[name]}, "an erasure lets every table be made again"
