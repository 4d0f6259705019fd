"""A run that was killed is said to have failed, so that the queue goes on; one that lives is left alone."""

from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest

from funnel_etl.platform.dagster.killed_runs import fail_killed_runs, killed_runs
from funnel_etl.platform.run_lock import RUNS, run_marker


@dg.job
def night() -> None:
    """A job."""


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
def test_a_run_that_left_its_mark_unlocked_has_failed_and_is_told_once(
    status: dg.DagsterRunStatus, tmp_path: Path
) -> None:
    with dg.DagsterInstance.ephemeral() as opened:
        dead, lives, ended = (opened.create_run_for_job(night, status=status).run_id for _ in range(3))
        opened.report_run_failed(opened.get_run_by_id(ended))
        (tmp_path / RUNS).mkdir()
        for run_id in (dead, ended, "of another storage"):
            (tmp_path / RUNS / run_id).touch()
        with run_marker(tmp_path, lives):
            assert fail_killed_runs(opened, tmp_path) == [dead]
            assert fail_killed_runs(opened, tmp_path) == []
        assert opened.get_run_by_id(dead).status is dg.DagsterRunStatus.FAILURE
        assert opened.get_run_by_id(lives).status is status
        assert list((tmp_path / RUNS).iterdir()) == []


def test_the_sensor_starts_nothing_and_says_what_it_found(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as opened:
        dead = opened.create_run_for_job(night, status=dg.DagsterRunStatus.STARTED).run_id
        (tmp_path / RUNS).mkdir()
        (tmp_path / RUNS / dead).touch()
        sources = SimpleNamespace(settings=SimpleNamespace(state=tmp_path))
        for said in (f"killed before they ended: {dead[:8]}", "no run was killed"):
            context = dg.build_sensor_context(instance=opened, resources={"sources": sources})
            look = killed_runs.evaluate_tick(context)
            assert (look.skip_message, list(look.run_requests or [])) == (said, [])
