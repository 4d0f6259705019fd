"""How nights go on and how they ended, read from Dagster's own storage and `ops.nights`: it needs no web server.

Here: one run's progress, the last nights. Not here: beginning one (`launch`, `night`).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import dagster as dg
import sqlalchemy as sa
from dagster._core.execution.stats import StepEventStatus
from dagster._core.storage.dagster_run import RunRecord

from funnel_etl.core.errors import FunnelError
from funnel_etl.observe.alerts.causes import scrubbed
from funnel_etl.operate.run.dagster_home import instance
from funnel_etl.platform.dagster.automation_state import daemon_lives
from funnel_etl.platform.dagster.nights import NIGHTLY, PARTITION, maker_of
from funnel_etl.platform.dagster.run_events import why_failed
from funnel_etl.platform.postgres.database import connected
from funnel_etl.settings import Settings

WAITS, RUNS, DONE, FAILED, STOPPED = "waits", "runs", "done", "failed", "stopped"
STATES = {
    dg.DagsterRunStatus.SUCCESS: DONE,
    dg.DagsterRunStatus.FAILURE: FAILED,
    dg.DagsterRunStatus.CANCELED: STOPPED,
    dg.DagsterRunStatus.CANCELING: RUNS,
    dg.DagsterRunStatus.STARTED: RUNS,
}
"""Dagster's status → ours; in any other a run waits to begin."""
GOING = [status for status in dg.DagsterRunStatus if STATES.get(status, WAITS) in (WAITS, RUNS)]
_PUBLISHED = sa.text(
    "SELECT run_id, count(*) AS parts, sum(inserted) AS inserted, sum(changed) AS changed, sum(deleted) AS deleted "
    "FROM ops.nights WHERE run_id = ANY(:runs) GROUP BY run_id"
)


@dataclass(frozen=True)
class Progress:
    """How far a run is. `at_work`: what is being made now; `failures`: asset → one readable line.

    `is_stuck`: it waits in the queue, and nothing that would begin it is running.
    """

    run_id: str
    night: date | None
    state: str
    done: int
    steps: int
    at_work: tuple[str, ...]
    failures: dict[str, str]
    is_stuck: bool = False

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.state in (DONE, FAILED, STOPPED)


@dataclass(frozen=True)
class NightRun:
    """One of the last nights.

    `parts`: how many parts it published, `rows`: how many rows it moved by that; `by_hand`: begun by `funnel-etl run`.
    """

    run_id: str
    night: date | None
    state: str
    began: datetime | None
    ended: datetime | None
    parts: int
    rows: int
    failures: dict[str, str]
    by_hand: bool


def going_night(settings: Settings) -> str | None:
    """Return the run of a night that waits or goes on, the oldest first; None: there is none."""
    with instance(settings) as (opened, _):
        runs = opened.get_runs(dg.RunsFilter(job_name=NIGHTLY, statuses=GOING))
    return runs[-1].run_id if runs else None


def progress(settings: Settings, run_id: str) -> Progress:
    """Return how far a run is. Raises `FunnelError` for one that Dagster does not know any more."""
    with instance(settings) as (opened, _):
        run = opened.get_run_by_id(run_id)
        if run is None:
            raise FunnelError(f"there is no run {run_id[:8]} any more", where="Dagster", fix="look at the last nights")
        state = STATES.get(run.status, WAITS)
        stats = opened.get_run_step_stats(run_id)
        at_work = [_asset(one.step_key) for one in stats if one.status is StepEventStatus.IN_PROGRESS]
        ended = {StepEventStatus.SUCCESS, StepEventStatus.FAILURE, StepEventStatus.SKIPPED}
        return Progress(
            run_id,
            _night(run),
            state,
            sum(one.status in ended for one in stats),
            len(_steps(opened, run)),
            tuple(at_work) if state == RUNS else (),
            _failures(opened, run),
            is_stuck=state == WAITS and maker_of(run) is None and not daemon_lives(opened),
        )


def last_nights(settings: Settings, most: int = 10) -> list[NightRun]:
    """Return the last runs of nights, the newest first."""
    with instance(settings) as (opened, databases):
        records = opened.get_run_records(dg.RunsFilter(job_name=NIGHTLY), limit=most)
        with connected(databases.funnel_url) as connection:
            ids = [record.dagster_run.run_id for record in records]
            published = {row.run_id: row for row in connection.execute(_PUBLISHED, {"runs": ids})}
        return [_of_record(opened, record, published.get(record.dagster_run.run_id)) for record in records]


def _of_record(opened: dg.DagsterInstance, record: RunRecord, row: sa.Row | None) -> NightRun:  # type: ignore[type-arg]
    run = record.dagster_run
    return NightRun(
        run.run_id,
        _night(run),
        STATES.get(run.status, WAITS),
        _moment(record.start_time),
        _moment(record.end_time),
        row.parts if row else 0,
        int(row.inserted + row.changed + row.deleted) if row else 0,
        _failures(opened, run),
        by_hand=maker_of(run) is not None,
    )


def _failures(opened: dg.DagsterInstance, run: dg.DagsterRun) -> dict[str, str]:
    """Return what failed: asset → one readable line, without anything personal."""
    logs = opened.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    events = [entry.get_dagster_event() for entry in logs]
    return {_asset(str(event.step_key)): scrubbed(why_failed(event)) for event in events}


def _steps(opened: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    if run.execution_plan_snapshot_id is None:
        return []
    return list(opened.get_execution_plan_snapshot(run.execution_plan_snapshot_id).step_keys_to_execute)


def _night(run: dg.DagsterRun) -> date | None:
    return date.fromisoformat(run.tags[PARTITION]) if PARTITION in run.tags else None


def _asset(step_key: str) -> str:
    return step_key.replace("__", "/")


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
