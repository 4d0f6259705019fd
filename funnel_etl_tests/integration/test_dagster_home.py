"""Connections to Dagster's database: kept while an instance is open, and closed with it."""

from collections.abc import Callable

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
