"""All of it as Dagster loads it: jobs, schedule, sensor, checks, and assets that are thin."""

import ast
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy

import funnel_etl
from funnel_etl.assembly import TABLES, build_definitions
from funnel_etl.catalog import SOURCES
from funnel_etl.core.tables.contracts import Kind, Table
from funnel_etl.platform.dagster.freshness import COMPLETE, USUAL_VOLUME
from funnel_etl.platform.dagster.nights import begin_nights
from funnel_etl.platform.dagster.table_asset import ROWS_CHECK
from funnel_etl.settings import Settings
from funnel_etl_tests.whole import defs

PACKAGE = Path(funnel_etl.__file__).parent
MAX_BODY = 15
PARTS = ("marketing", "sales", "funnel", "parity", "changes", "engagement", "watch", "delivery")
INDIA = ZoneInfo("Asia/Kolkata")
GRAPH = defs.resolve_asset_graph()
BY_KEY = {key: assets for assets in GRAPH.assets_defs for key in assets.keys}
TABLE_ASSETS = [table for table in TABLES if dg.AssetKey(table.asset_key) in BY_KEY]


def test_definitions_load() -> None:
    dg.Definitions.validate_loadable(defs)
    assert len(BY_KEY) > 25


def made_by(job: str) -> set[dg.AssetKey]:
    return set(defs.resolve_job_def(job).asset_layer.executable_asset_keys)


def checked_by(job: str, check: str = COMPLETE) -> set[str]:
    keys = defs.resolve_job_def(job).asset_layer.asset_graph.asset_check_keys
    return {key.asset_key.to_user_string() for key in keys if key.name == check}


def test_the_nightly_job_makes_every_daily_asset_but_those_that_watch_it() -> None:
    daily = {key for key, assets in BY_KEY.items() if isinstance(assets.partitions_def, dg.DailyPartitionsDefinition)}
    watching = {key for key in daily if GRAPH.get(key).group_name == "watch"}
    assert dg.AssetKey(["publish", "funnel"]) in daily
    assert made_by("nightly") == daily - watching
    assert made_by("watch") == watching
    tables = "ops/completeness ops/missing_exports ops/phone_shares ops/volume_alarms ops/volumes publish/watch"
    assert {key.to_user_string() for key in watching} == set(tables.split())


def test_only_the_watch_judges_completeness_and_it_hangs_on_nothing_that_may_fail() -> None:
    sources = "raw/tofu_leads raw/ad_spend raw/zoom_reports raw/crm_assigned_leads raw/crm_sales ops/config_versions"
    assert checked_by("watch") == set(sources.split())
    assert checked_by("watch", USUAL_VOLUME) == set(sources.split()) - {"ops/config_versions"}
    for check in (COMPLETE, USUAL_VOLUME):
        assert checked_by("nightly", check) | checked_by("zoom_refresh", check) == set()
    for key in made_by("watch"):
        assert GRAPH.get(key).parent_keys <= made_by("watch")


def test_the_check_of_completeness_blocks_nothing() -> None:
    specs = [spec for spec in GRAPH.asset_check_keys if spec.name in (COMPLETE, USUAL_VOLUME)]
    assert len(specs) == 11
    assert not any(GRAPH.get_check_spec(key).blocking for key in specs)


@pytest.mark.parametrize("name", ["watch_after_success", "watch_after_failure"])
def test_what_watches_the_night_is_on_by_default(name: str) -> None:
    sensor = defs.resolve_sensor_def(name)
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert [job.name for job in sensor.jobs] == ["watch"]


def test_the_sensor_of_alerts_is_on_by_default_and_asks_for_no_run() -> None:
    sensor = defs.resolve_sensor_def("alerts")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.targets == []


@pytest.mark.parametrize("source", ["tofu_leads", "ad_spend", "crm_assigned_leads", "crm_sales"])
def test_a_pulled_source_counts_as_stale_when_a_night_was_missed(source: str) -> None:
    key = dg.AssetKey(["raw", source])
    policy = BY_KEY[key].get_asset_spec(key).freshness_policy
    assert isinstance(policy, TimeWindowFreshnessPolicy)
    assert timedelta(hours=24) < policy.warn_window.to_timedelta() < policy.fail_window.to_timedelta()  # type: ignore[union-attr]
    assert policy.fail_window.to_timedelta() < timedelta(hours=48)


def test_the_night_runs_at_half_past_two_in_india_and_is_on_by_default() -> None:
    schedule = defs.resolve_schedule_def("nightly")
    assert schedule.cron_schedule == "30 2 * * *"
    assert schedule.execution_timezone == "Asia/Kolkata"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def test_what_is_old_is_purged_each_week_by_default() -> None:
    schedule = defs.resolve_schedule_def("purge")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 5 * * 0", "Asia/Kolkata")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert schedule.job.name == "purge"


@pytest.mark.parametrize(
    ("at", "night"),
    [
        pytest.param(datetime(2026, 11, 21, 2, 30, tzinfo=INDIA), "2026-11-20", id="any_night"),
        pytest.param(datetime(2026, 11, 1, 2, 30, tzinfo=INDIA), "2026-10-31", id="first_of_a_month"),
        pytest.param(datetime(2027, 1, 1, 2, 30, tzinfo=INDIA), "2026-12-31", id="new_year"),
    ],
)
def test_a_tick_asks_for_the_day_that_has_just_ended(at: datetime, night: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, _env_file=None)
    begin_nights(settings, date(2026, 10, 1))
    defs = build_definitions(settings)
    schedule = defs.resolve_schedule_def("nightly")
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(
            instance, scheduled_execution_time=at, repository_def=defs.get_repository_def()
        )
        tick = schedule.evaluate_tick(context)
    assert [request.partition_key for request in tick.run_requests or []] == [night]


def test_the_drop_folder_s_sensor_is_on_by_default() -> None:
    assert defs.resolve_sensor_def("zoom_drop_folder").default_status is dg.DefaultSensorStatus.RUNNING


@pytest.mark.parametrize("table", TABLE_ASSETS, ids=lambda table: table.full_name)
def test_a_table_asset_has_one_blocking_check_that_names_its_conditions(table: Table) -> None:
    [spec] = BY_KEY[dg.AssetKey(table.asset_key)].check_specs
    assert (spec.name, spec.blocking) == (ROWS_CHECK, True)
    for condition in ("contract", "every_row_accounted", "few_in_quarantine"):
        assert f"`{condition}`" in (spec.description or "")


@pytest.mark.parametrize("table", TABLE_ASSETS, ids=lambda table: table.full_name)
def test_a_table_asset_shows_grain_columns_and_their_texts(table: Table) -> None:
    spec = BY_KEY[dg.AssetKey(table.asset_key)].get_asset_spec(dg.AssetKey(table.asset_key))
    assert spec.description is not None
    assert spec.description.startswith(table.grain)
    schema = spec.metadata["dagster/column_schema"]
    assert [column.name for column in schema.columns] == table.names
    assert all(column.description for column in schema.columns)
    assert {column.type for column in schema.columns} <= {kind.value for kind in Kind}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_published_after_all_its_tables(part: str) -> None:
    parents = {tuple(key.path) for key in GRAPH.get(dg.AssetKey(["publish", part])).parent_keys}
    own = {tuple(t.asset_key) for t in TABLE_ASSETS if GRAPH.get(dg.AssetKey(t.asset_key)).group_name == part}
    assert own
    assert own <= parents


def test_the_facts_are_published_after_both_parts() -> None:
    parents = {tuple(key.path) for key in GRAPH.get(dg.AssetKey(["publish", "funnel"])).parent_keys}
    assert {("publish", "marketing"), ("publish", "sales")} <= parents


def decorator_name(node: ast.expr) -> str:
    called = node.func if isinstance(node, ast.Call) else node
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def asset_bodies() -> dict[str, int]:
    """Lines of the body of every function that is decorated as an asset, its docstring not counted."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(
                decorator_name(d) in {"asset", "table_asset", "multi_asset"} for d in node.decorator_list
            ):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                name = f"{path.relative_to(PACKAGE)}:{node.name}"
                found[name] = body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]
    return found


def test_every_asset_body_is_short() -> None:
    bodies = asset_bodies()
    of_declarations = 2 * len(SOURCES)  # raw and clean of each source, whose bodies are in `source_assets`
    assert len(bodies) >= len(TABLE_ASSETS) - of_declarations
    assert {name: lines for name, lines in bodies.items() if lines > MAX_BODY} == {}


def test_every_asset_is_in_a_group_that_says_its_part() -> None:
    assert {GRAPH.get(key).group_name for key in BY_KEY} <= {*PARTS, "config"}
