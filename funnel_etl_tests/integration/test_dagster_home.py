"""Connections to Dagster's database: kept while an instance is open, and closed with it; few questions."""

from collections.abc import Callable

import dagster as dg
import sqlalchemy as sa

from funnel_etl.operate.run.dagster_home import instance
from funnel_etl_tests.installation import Installation

OPEN = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() || '_dagster'"


def test_an_instance_keeps_one_connection_and_leaves_none(new_installation: Callable[[], Installation]) -> None:
    installation = new_installation()
    with installation.settings() as settings, instance(settings) as (opened, _):
        opened.get_runs_count()
        first = installation.query(OPEN)["pid"].tolist()
        opened.event_log_storage.get_logs_for_run("none")
        opened.schedule_storage.all_instigator_state()
        assert installation.query(OPEN)["pid"].tolist() == first
        assert len(first) == 1
    assert installation.query(OPEN)["pid"].tolist() == []


def test_events_of_assets_are_stored_on_two_connections_without_asking_for_dagster_s_tables_each_time(
    new_installation: Callable[[], Installation],
) -> None:
    installation = new_installation()
    with installation.settings() as settings, instance(settings) as (opened, _):
        opened.report_runless_asset_event(dg.AssetMaterialization("first"))
        kept = set(installation.query(OPEN)["pid"])
        asked: list[str] = []
        sa.event.listen(
            opened.event_log_storage._engine,
            "before_cursor_execute",
            lambda _connection, _cursor, statement, *_: asked.append(statement),
        )
        for _ in range(3):
            opened.report_runless_asset_event(dg.AssetMaterialization("second", tags={"a": "b"}))
        assert set(installation.query(OPEN)["pid"]) == kept
        assert len(kept) == 2
        assert len([one for one in asked if "INSERT INTO event_logs" in one]) == 3
        assert [one for one in asked if "pg_catalog" in one] == []
