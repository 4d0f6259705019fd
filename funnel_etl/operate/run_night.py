"""Running one night from the command line: the schedule's own job, in this process, with a result a person can read."""

import fcntl
import logging
import signal
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from funnel_etl.core.errors import DatabaseUnavailable, FunnelError
from funnel_etl.operate.automation_state import daemon_lives
from funnel_etl.operate.dagster_home import instance, prepare_tables
from funnel_etl.platform.nights import BY_COMMAND
from funnel_etl.settings import Settings

PARTS = ("marketing", "sales", "funnel", "parity")
WATCH = "watch"
"""The job that says what is complete and what is missing; and its part."""
log = logging.getLogger("funnel_etl.progress")


@dataclass
class PartResult:
    """How a part of the night ended: published (with counts), overtaken by a newer night, or not, and why."""

    part: str
    published: bool = False
    inserted: int = 0
    changed: int = 0
    deleted: int = 0
    newest: str | None = None


@dataclass
class NightResult:
    """How a night ended. `failures`: asset → one readable line; `unwatched`: why what is complete could not be said.

    `alerts`: why alerts could not be sent; empty when they were, or none is to be sent.
    """

    night: date
    run_id: str
    parts: dict[str, PartResult]
    failures: dict[str, str] = field(default_factory=dict)
    unwatched: dict[str, str] = field(default_factory=dict)
    alerts: str = ""

    @property
    def is_published(self) -> bool:
        """Whether the whole night is what BI reads now."""
        return not self.failures and all(part.published for part in self.parts.values())


def run_night(settings: Settings, night: date) -> NightResult:
    """Run the whole night in this process. A failed part does not stop the other; what failed is in the result.

    Raises `FunnelError` when the night cannot begin: it is not over yet, or there is no database.
    """
    if night > settings.yesterday():
        raise FunnelError(
            f"{night} is not over yet in {settings.timezone}",
            where="--as-of",
            fix=f"the last complete day is {settings.yesterday()}",
        )
    with _one_at_a_time(settings.state), _no_night_told(settings), instance(settings) as (opened, databases):
        prepare_tables(databases)
        ours = f"{socket.gethostname()}:{settings.state}"
        _wait_for_other_runs(opened, ours)
        from funnel_etl.definitions import defs  # noqa: PLC0415 - see prepare_tables

        result = _told(night, _run_job(defs, "nightly", opened, night, ours))
        result.unwatched = _watched(defs, opened, night, ours)
        result.alerts = _alerted(settings, databases.funnel_url, opened)
        return result


def _run_job(
    defs: dg.Definitions, job: str, opened: dg.DagsterInstance, night: date, ours: str
) -> dg.ExecuteInProcessResult:
    with warnings.catch_warnings(), sigterm_kept():
        warnings.simplefilter("ignore")
        return defs.resolve_job_def(job).execute_in_process(
            instance=opened,
            partition_key=night.isoformat(),
            raise_on_error=False,
            tags={BY_COMMAND: ours},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )


def _watched(defs: dg.Definitions, opened: dg.DagsterInstance, night: date, ours: str) -> dict[str, str]:
    """Say what is complete and what is missing, whatever the night gave; gives why that failed, if it did."""
    again = f"Fix: run the job `{WATCH}` for {night} in the Dagster UI (make up)"
    try:
        done = _run_job(defs, WATCH, opened, night, ours)
    except Exception as error:  # noqa: BLE001 - whatever it was: the night has ended as it has ended
        return {WATCH: f"{type(error).__name__}. {again}"}
    if done.success:
        return {}
    steps = [event for event in done.all_events if event.is_step_failure]
    failed = {str(event.step_key).replace("__", "/"): why_failed(event) for event in steps}
    return failed or {WATCH: f"it did not end. {again}"}


@contextmanager
def _no_night_told(settings: Settings) -> Iterator[None]:
    """Send that the database cannot be reached: nobody else will tell of a night that never began."""
    try:
        yield
    except DatabaseUnavailable as error:
        from funnel_etl.alerts.no_memory import tell_of_no_night  # noqa: PLC0415 - as in _alerted
        from funnel_etl.alerts.tell import alert_urls  # noqa: PLC0415

        for number, why in tell_of_no_night(settings, alert_urls(settings), error).items():
            log.info("alerts: address %s of FUNNEL_ALERT_URLS: %s", number, why)
        raise


def _alerted(settings: Settings, url: str, opened: dg.DagsterInstance) -> str:
    """Send what is to be sent, whatever the night gave; gives why that failed, if it did."""
    from funnel_etl.alerts.tell import tell  # noqa: PLC0415 - which tells of the runs of this module

    try:
        sent = tell(settings, url, opened, force=True)
    except Exception as error:  # noqa: BLE001 - whatever it was: the night has ended as it has ended
        return f"{type(error).__name__}: {error}" if isinstance(error, FunnelError) else type(error).__name__
    if sent.accepted:
        log.info("alerts: %s", sent.says)
    return sent.says if sent.errors else ""


def _told(night: date, done: dg.ExecuteInProcessResult) -> NightResult:
    result = NightResult(night, done.run_id, {part: PartResult(part) for part in PARTS}, failures_of(done))
    for event in done.all_events:
        if event.is_step_materialization and event.asset_key and event.asset_key.path[0] == "publish":
            metadata = event.step_materialization_data.materialization.metadata
            seen: dict[str, Any] = {name: value.value for name, value in metadata.items()}
            part = event.asset_key.path[1]
            result.parts[part] = PartResult(
                part,
                published=bool(seen["published"]),
                inserted=int(seen["inserted"]),
                changed=int(seen["changed"]),
                deleted=int(seen["deleted"]),
                newest=str(seen["newest_as_of"]),
            )
    return result


def failures_of(done: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Give what failed in a run, a step or a check: asset → one readable line."""
    failures: dict[str, str] = {}
    for event in done.all_events:
        if event.is_step_failure:
            failures.setdefault(str(event.step_key).replace("__", "/"), why_failed(event))
        elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if not check.passed:
                why = f"check {check.check_name}: {check.description or 'failed'}"
                failures["/".join(check.asset_key.path)] = why
    return failures


def why_failed(event: dg.DagsterEvent) -> str:
    """Give the one readable line of an expected failure; of another only its kind, for its text may quote a row."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    error = data.error
    while error and error.cause:
        error = error.cause
    kind = error.cls_name if error else "an error"
    return f"{kind}, which funnel_etl did not expect. Fix: its traceback is in the run, in the Dagster UI (make up)"


def _wait_for_other_runs(opened: dg.DagsterInstance, ours: str) -> None:
    """Let runs of the UI, the schedule and the sensor end first; theirs wait for ours in the queue.

    A run that nothing can be running any more was killed, and is said to have failed: one of this command below the
    same state folder, whose lock we hold (`ours`), or any other while no daemon has been alive for minutes.
    """
    going = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
    said = False
    while runs := opened.get_runs(going):
        for run in runs:
            by = run.tags.get(BY_COMMAND)
            if by == ours or (by is None and not daemon_lives(opened)):
                opened.report_run_failed(run, "killed before it ended")
            elif not said:
                log.info("run %s of %s is going on: waiting for it to end", run.run_id[:8], run.job_name)
                said = True
        time.sleep(0.5)


@contextmanager
def sigterm_kept() -> Iterator[None]:
    """Put SIGTERM's handler back after a run in process: Dagster leaves SIGINT's there, which may be to ignore it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _one_at_a_time(state: Path) -> Iterator[None]:
    state.mkdir(parents=True, exist_ok=True)
    with (state / "night.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("another night is running on this machine: waiting for it to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
