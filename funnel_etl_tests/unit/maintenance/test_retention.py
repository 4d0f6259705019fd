"""What may go from lake and landing archive: never what a next night needs, and every file that stays says why."""

import ast
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

import funnel_etl
from funnel_etl.catalog import SOURCES
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.contracts import Table
from funnel_etl.core.tables.earlier import Earlier
from funnel_etl.maintenance.retention import COMMANDS, LakePlan, lake_plan, landing_plan
from funnel_etl.marts.funnel.assets import MADE_FROM
from funnel_etl.marts.funnel.contracts import FUNNEL_FACTS
from funnel_etl.marts.funnel.published import keep as keep_published
from funnel_etl.marts.funnel.revenue.contracts import REVENUE_CHANGES
from funnel_etl.parts.marketing.zoom.clean.contracts import ZOOM_REPORTS
from funnel_etl.parts.sales.contracts import SALES
from funnel_etl.platform.contracts import CONFIG_VERSIONS
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.table_asset import earlier_reads
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.decisions import accept_refused
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources
from funnel_etl_tests.whole import defs

READS = earlier_reads(defs)
NIGHTS = [date(2026, 11, day) for day in range(1, 11)]
TABLES = (FUNNEL_FACTS, SALES, REVENUE_CHANGES, CONFIG_VERSIONS)
NOW = datetime(2026, 11, 11, 3, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def make(lake: Lake, table: Table, nights: list[date], problems: list[str] | None = None) -> None:
    for night in nights:
        rows = table.empty()
        if table is CONFIG_VERSIONS and problems:
            rows = table.conform(pd.DataFrame([["funnels", "a" * 64, "rejected", "wrong", NOW]], columns=table.names))
        lake.write(table, night, rows)
        lake.write_account(table, night, Outcome(rows, problems=problems or []), "")


def left(plan: LakePlan, lake: Lake, table: Table) -> list[date]:
    going = {night for (name, night), _ in plan.going if name == table.full_name}
    return [night for night in lake.nights(table) if night not in going]


def test_the_newest_nights_stay_and_of_a_table_that_stopped_its_newest_two(lake: Lake) -> None:
    make(lake, FUNNEL_FACTS, NIGHTS)
    make(lake, REVENUE_CHANGES, NIGHTS)
    make(lake, SALES, NIGHTS[:4])
    plan = lake_plan(lake, TABLES, READS, 3)
    assert left(plan, lake, FUNNEL_FACTS) == NIGHTS[-3:]
    assert left(plan, lake, SALES) == NIGHTS[2:4]
    assert plan.staying.keys() == {"of the newest 3 nights", "newest of their table"}
    assert plan.nights_left == {*NIGHTS[-3:], *NIGHTS[2:4]}
    assert plan.gone.size == sum(lake.size(name, night) for (name, night), _ in plan.going) > 0


def test_the_newest_that_passed_its_checks_stays_however_old(lake: Lake) -> None:
    make(lake, FUNNEL_FACTS, NIGHTS[:3])
    make(lake, FUNNEL_FACTS, NIGHTS[3:], problems=["contract: broken"])
    assert left(lake_plan(lake, TABLES, READS, 1), lake, FUNNEL_FACTS) == [NIGHTS[2], *NIGHTS[-2:]]


def test_the_newest_config_without_an_error_stays(lake: Lake) -> None:
    make(lake, CONFIG_VERSIONS, NIGHTS[:2])
    make(lake, CONFIG_VERSIONS, NIGHTS[2:], problems=["rejected"])
    assert NIGHTS[1] in left(lake_plan(lake, TABLES, READS, 1), lake, CONFIG_VERSIONS)


def test_sales_stay_whose_changes_of_revenue_were_not_told_yet(lake: Lake) -> None:
    make(lake, SALES, NIGHTS)
    make(lake, REVENUE_CHANGES, NIGHTS[:6])
    assert left(lake_plan(lake, TABLES, READS, 1), lake, SALES) == NIGHTS[4:]


def test_a_table_that_no_contract_names_any_more_goes_with_its_nights(lake: Lake) -> None:
    make(lake, FUNNEL_FACTS, NIGHTS)
    make(lake, CONFIG_VERSIONS, NIGHTS[:2])
    plan = lake_plan(lake, (FUNNEL_FACTS, REVENUE_CHANGES), READS, 2)
    assert left(plan, lake, CONFIG_VERSIONS) == [NIGHTS[1]]  # the newest config without an error
    make(lake, SALES, NIGHTS[:2])
    make(lake, REVENUE_CHANGES, NIGHTS)
    assert left(lake_plan(lake, (FUNNEL_FACTS,), {}, 2), lake, SALES) == []


def test_the_nights_that_were_published_last_stay_whole_for_the_next_is_compared_with_them(lake: Lake) -> None:
    make(lake, FUNNEL_FACTS, NIGHTS)
    assert left(lake_plan(lake, TABLES, READS, 1, NIGHTS[:1]), lake, FUNNEL_FACTS) == [NIGHTS[0], *NIGHTS[-2:]]


def test_by_zero_everything_stays_in_the_lake(lake: Lake) -> None:
    make(lake, FUNNEL_FACTS, NIGHTS)
    plan = lake_plan(lake, TABLES, READS, 0)
    assert (plan.going, plan.staying.keys()) == ([], {"for ever (FUNNEL_KEEP_LAKE_NIGHTS=0)"})


def test_every_command_that_looks_which_nights_the_lake_has_is_known_here() -> None:
    """A command that reads other nights: say in retention.COMMANDS what. An asset declares it, and is held to it."""
    package = Path(funnel_etl.__file__).parent
    of_assets = ("platform/", "maintenance/retention.py", "marts/", "observe/", "parts/sales/")
    found = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "nights"
            if is_call and "lake" in ast.unparse(node.func.value).lower():  # type: ignore[attr-defined]
                found.add(str(path.relative_to(package)))
            if is_call and ast.unparse(node.func.value) == "real":  # type: ignore[attr-defined]
                found.add(str(path.relative_to(package)))
    assert len(found) > 4
    assert {place for place in found if not place.startswith(of_assets)} - set(COMMANDS) == set()


def test_what_assets_read_of_other_nights_is_declared_and_shown() -> None:
    assert set(READS) == {
        *("clean.assigned_leads", "clean.sales", "clean.crm_history", "mart.attributed_m0", "mart.revenue_changes"),
        *("ops.missing_exports", "ops.completeness", "ops.volumes", "ops.volume_alarms", "ops.phone_shares"),
        *("ops.changes", "ops.changed_rows", *(source.raw.full_name for source in SOURCES.values())),
    }
    assert READS["mart.revenue_changes"]["clean.sales"] == (Earlier.SINCE,)


def test_an_asset_is_shown_no_other_night_of_a_table_it_has_not_declared(lake: Lake) -> None:
    make(lake, FUNNEL_FACTS, NIGHTS)
    make(lake, SALES, NIGHTS)
    seen = lake.of_night(NIGHTS[-1], {SALES.full_name})
    assert seen.nights(SALES) == NIGHTS
    assert len(seen.read(FUNNEL_FACTS, NIGHTS[-1])) == 0
    for look in (seen.nights, lambda table: seen.read(table, NIGHTS[0]), lambda table: seen.exists(table, NIGHTS[0])):
        with pytest.raises(RuntimeError, match=r"mart\.funnel_facts of another night: declare it as reads_earlier"):
            look(FUNNEL_FACTS)


# ---------------------------------------------------------------- landing


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


def pull(landing: Landing, source: str, night: date, *, used: bool = True) -> str:
    """Land what a night pulled, and say that it used it."""
    at = datetime(night.year, night.month, night.day, tzinfo=UTC) + timedelta(days=1)
    arrival = landing.put(source, "pull", "dump.csv", f"{source} {night}".encode(), received_at=at)
    if used:
        landing.record_night(night, source, [arrival.file_id])
    return arrival.file_id


def going(landing: Landing, keep: int) -> set[str]:
    return {file_id for file_id, _ in landing_plan(landing, keep, NOW).going}


def test_pulls_of_old_nights_go_but_the_crm_s_which_its_history_follows_from(landing: Landing) -> None:
    leads = [pull(landing, "tofu_leads", night) for night in NIGHTS]
    sales = [pull(landing, "crm_sales", night) for night in NIGHTS]
    assert going(landing, 3) == set(leads[:7])
    plan = landing_plan(landing, 3, NOW)
    assert plan.staying["dumps a table follows from, all of them (clean.crm_history)"].count == len(sales)
    assert plan.staying["of the last 3 days"].count == 1
    assert (
        plan.staying["newest pulls, the ones before, those published last, and what waits for funnel-etl confirm"].count
        == 2
    )


def test_by_zero_everything_stays_in_the_archive(landing: Landing) -> None:
    for night in NIGHTS:
        pull(landing, "ad_spend", night)
    assert going(landing, 0) == set()


def test_bytes_that_a_young_night_used_again_stay(landing: Landing) -> None:
    old = pull(landing, "ad_spend", NIGHTS[0])
    for night in NIGHTS[1:]:
        landing.record_night(night, "ad_spend", [old])
    assert going(landing, 1) == set()


def test_an_installation_that_stood_still_keeps_its_newest_two_nights(landing: Landing) -> None:
    leads = [pull(landing, "tofu_leads", night) for night in NIGHTS]
    later = NOW + timedelta(days=1000)
    assert {file_id for file_id, _ in landing_plan(landing, 1, later).going} == set(leads[:-2])


def test_what_the_facts_published_last_were_made_from_stays_though_later_nights_were_pulled(
    landing: Landing, lake: Lake
) -> None:
    leads = [pull(landing, "tofu_leads", night) for night in NIGHTS]
    for table in (*MADE_FROM, ZOOM_REPORTS, FUNNEL_FACTS):
        lake.write(table, NIGHTS[0], table.empty())
    settings = Settings(_env_file=None, home=lake.root.parent)
    keep_published(Night(NIGHTS[0], NightlySources(settings, landing), ""), lake)
    assert going(landing, 1) == set(leads[1:-2])


def test_zoom_reports_config_closed_months_and_confirmations_never_go(landing: Landing) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    for source, kind in (("zoom", "file"), ("config_funnels", "config"), ("closed_m0", "closing")):
        landing.put(source, kind, "file", source.encode(), received_at=long_ago)  # type: ignore[arg-type]
    accept_refused(landing, "crm_sales", "a" * 64, "few keys")
    pull(landing, "tofu_leads", NIGHTS[-1])
    assert going(landing, 1) == set()


def test_an_old_file_that_was_no_report_goes_and_a_refused_dump_that_waits_for_a_person_stays(landing: Landing) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    error = Exception("no report")
    junk = landing.record_rejected("zoom", "x.pdf", size=3, received_at=long_ago, reason=error)  # type: ignore[arg-type]
    pull(landing, "crm_sales", NIGHTS[0])
    waits = landing.record_rejected("crm_sales", "dump.csv", size=3, received_at=NOW, reason=error)  # type: ignore[arg-type]
    assert junk.file_id in going(landing, 1)
    assert waits.file_id not in {f for f, _ in landing_plan(landing, 1, NOW + timedelta(days=99)).going}


def test_what_was_removed_is_told_and_not_removed_twice(landing: Landing) -> None:
    leads = [pull(landing, "tofu_leads", night) for night in NIGHTS]
    landing.remove(leads[0], "purged on a day")
    assert leads[0] not in going(landing, 1)
    assert (landing.removed(leads[0]), landing.removed(leads[1])) == ("purged on a day", None)
    with pytest.raises(Exception, match="purged on a day"):
        landing.read(leads[0])
    assert len(landing.arrivals("tofu_leads")) == len(NIGHTS)
    assert landing.night(NIGHTS[0], "tofu_leads") == [leads[0]]
