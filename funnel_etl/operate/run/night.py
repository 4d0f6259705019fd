"""Running one night from the command line: the schedule's own job, in this process, with a result a person can read."""

import logging
import signal
import socket
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, cast

import dagster as dg

from funnel_etl.core.errors import DatabaseUnavailable, FunnelError
from funnel_etl.core.parts import PARTS, WATCH
from funnel_etl.operate.run.dagster_home import instance, prepare_tables
from funnel_etl.platform.dagster.automation_state import daemon_lives
from funnel_etl.platform.dagster.killed_runs import GOING, fail_killed_runs, report_killed
from funnel_etl.platform.dagster.nights import BY_COMMAND, NIGHTLY, begin_nights, maker_of
from funnel_etl.platform.dagster.patience import PATIENCE
from funnel_etl.platform.dagster.publish_asset import IDLE
from funnel_etl.platform.dagster.reuse import REMAKE
from funnel_etl.platform.dagster.run_events import failures_of, was_stopped, why_failed
from funnel_etl.platform.dagster.run_origin import with_origin
from funnel_etl.platform.postgres.database import Databases
from funnel_etl.platform.postgres.database_errors import database_errors
from funnel_etl.platform.postgres.owner import claim_of
from funnel_etl.platform.run_lock import exclusive, lives
from funnel_etl.settings import Settings

MAX_RETRIES = "dagster/max_retries"
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

    `repairs`: what somebody else had changed in PostgreSQL, and was put right.
    `alerts`: why alerts could not be sent; empty when they were, or none is to be sent.
    """

    night: date
    run_id: str
    parts: dict[str, PartResult]
    failures: dict[str, str] = field(default_factory=dict)
    unwatched: dict[str, str] = field(default_factory=dict)
    repairs: list[str] = field(default_factory=list)
    alerts: str = ""

    @property
    def is_published(self) -> bool:
        """Whether the whole night is what BI reads now."""
        return not self.failures and all(part.published for part in self.parts.values())


def run_night(settings: Settings, night: date, patience: float = 0.0, *, remake: bool = False) -> NightResult:
    """Run the whole night in this process. A failed part does not stop the other; what failed is in the result.

    `patience`: for how many seconds a source that does not answer is asked again; `remake`: no table is reused.
    Raises `FunnelError` when the night cannot begin: it is not over yet, or there is no database.
    """
    require_over(settings, night)
    begin_nights(settings, night)
    with _no_night_told(settings), only_writer(settings) as writer:
        from funnel_etl.assembly import build_definitions  # noqa: PLC0415 - see prepare_tables

        defs = build_definitions(settings)
        done = run_job(defs, NIGHTLY, writer, night, patience=patience, tags={REMAKE: "true"} if remake else {})
        result = summarise_run(night, done)
        result.unwatched, repairs = _watched(defs, writer, night)
        result.repairs += repairs
        result.alerts = _alerted(settings, writer, defs)
        return result


def require_over(settings: Settings, night: date) -> None:
    """Raise `FunnelError` for a night whose day has not ended."""
    if night > settings.yesterday():
        raise FunnelError(
            f"{night} is not over yet in {settings.timezone}",
            where="--as-of",
            fix=f"the last complete day is {settings.yesterday()}",
        )


class Writer(NamedTuple):
    """Who alone may write now. `name`: what its runs are tagged with: this machine and state folder."""

    instance: dg.DagsterInstance
    databases: Databases
    name: str


@contextmanager
def only_writer(settings: Settings) -> Iterator[Writer]:
    """Open the databases and Dagster's instance when nobody else writes. Raises `DatabaseUnavailable`.

    Raises `OtherOwner` before anything is changed when the database is published from another archive.
    """
    waiting = "another night is running on this machine: waiting for it to end"
    with exclusive(settings.state, lambda: log.info(waiting)), instance(settings) as (opened, databases):
        prepare_tables(databases, claim_of(settings))
        ours = f"{socket.gethostname()}:{settings.state}"
        with database_errors(databases.funnel_url, "it was lost; what was not published yet is as before"):
            fail_killed_runs(opened, settings.state)
            _wait_for_other_runs(opened, ours, settings.state)
            yield Writer(opened, databases, ours)


def run_job(
    defs: dg.Definitions,
    job: str,
    writer: Writer,
    night: date | None = None,
    *,
    patience: float = 0.0,
    tags: Mapping[str, str] | None = None,
    **resources: Any,
) -> dg.ExecuteInProcessResult:
    """Run a job (of a night, or of none) in this process; `resources` go in the place of its own.

    Raises KeyboardInterrupt when it was stopped half-way.
    """
    with warnings.catch_warnings(), sigterm_kept(), with_origin(writer.instance, job):
        warnings.simplefilter("ignore")
        done = defs.resolve_job_def(job).execute_in_process(
            instance=writer.instance,
            partition_key=night.isoformat() if night else None,
            raise_on_error=False,
            # Whoever runs the command sees that it was killed; nobody expects the daemon to begin it again.
            tags={BY_COMMAND: writer.name, MAX_RETRIES: "0", PATIENCE: str(patience), **(tags or {})},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            resources=resources or None,
        )
    if was_stopped(done):
        raise KeyboardInterrupt
    return done


def _watched(defs: dg.Definitions, writer: Writer, night: date) -> tuple[dict[str, str], list[str]]:
    """Return why it failed to judge what is complete, whatever the night gave, and what it repaired."""
    again = f"Fix: run the job `{WATCH}` for {night} in the Dagster UI (make up)"
    try:
        done = run_job(defs, WATCH, writer, night)
    except Exception as error:  # noqa: BLE001 - whatever it was: the night has ended as it has ended
        return {WATCH: f"{type(error).__name__}. {again}"}, []
    if done.success:
        return {}, _repairs_of(done)
    steps = [event for event in done.all_events if event.is_step_failure]
    failed = {str(event.step_key).replace("__", "/"): why_failed(event) for event in steps}
    return failed or {WATCH: f"it did not end. {again}"}, _repairs_of(done)


@contextmanager
def _no_night_told(settings: Settings) -> Iterator[None]:
    """Send that the database cannot be reached: nobody else will tell of a night that could not run."""
    try:
        yield
    except DatabaseUnavailable as error:
        from funnel_etl.observe.alerts.dispatch import alert_urls  # noqa: PLC0415
        from funnel_etl.observe.alerts.fallback_store import alert_of_no_night  # noqa: PLC0415 - as in _alerted

        for number, why in alert_of_no_night(settings, alert_urls(settings), error).items():
            log.info("alerts: address %s of FUNNEL_ALERT_URLS: %s", number, why)
        raise


def _alerted(settings: Settings, writer: Writer, defs: dg.Definitions) -> str:
    """Send what is to be sent, whatever the night gave; returns why that failed, if it did."""
    from funnel_etl.observe.alerts.dispatch import send_alerts  # noqa: PLC0415 - which tells of the runs of this module

    try:
        sent = send_alerts(
            settings, writer.databases.funnel_url, writer.instance, defs.get_repository_def(), force=True
        )
    except Exception as error:  # noqa: BLE001 - whatever it was: the night has ended as it has ended
        return f"{type(error).__name__}: {error}" if isinstance(error, FunnelError) else type(error).__name__
    if sent.accepted:
        log.info("alerts: %s", sent.says)
    return sent.says if sent.errors else ""


def summarise_run(night: date, done: dg.ExecuteInProcessResult) -> NightResult:
    """Return how a run of a night ended."""
    parts = {part: PartResult(part) for part in PARTS}
    result = NightResult(night, done.run_id, parts, failures_of(done), repairs=_repairs_of(done))
    for event in done.all_events:
        if event.is_step_materialization and event.asset_key and event.asset_key.path[0] == "publish":
            metadata = event.step_materialization_data.materialization.metadata
            seen: dict[str, Any] = {name: value.value for name, value in metadata.items()}
            if IDLE in seen:
                continue
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


def _repairs_of(done: dg.ExecuteInProcessResult) -> list[str]:
    """Return what the publications of a run put right, a line each."""
    made = [
        event.step_materialization_data.materialization for event in done.all_events if event.is_step_materialization
    ]
    found = [one.metadata["repairs"].value for one in made if one.asset_key.path[0] == "publish"]
    return [str(line) for lines in found for line in cast("list[str]", lines)]


def _wait_for_other_runs(opened: dg.DagsterInstance, ours: str, state: Path) -> None:
    """Let the runs of another machine's `funnel-etl run` end first. Any other run waits for us: we have the turn.

    A run of this state folder that lives waits for its turn, or left it to us while it waits for a source. One that
    nothing can be running any more was killed, and is said to have failed: of this command below the same state folder,
    or any other that never began its work while no daemon has been alive for minutes.
    """
    said = False
    while runs := [run for run in opened.get_runs(dg.RunsFilter(statuses=GOING)) if not _waits(opened, run, state)]:
        for run in runs:
            if maker_of(run) in (ours, None):
                report_killed(opened, run)
            elif not said:
                log.info("run %s of %s is going on: waiting for it to end", run.run_id[:8], run.job_name)
                said = True
        time.sleep(0.5)


def _waits(opened: dg.DagsterInstance, run: dg.DagsterRun, state: Path) -> bool:
    return lives(state, run.run_id) or (maker_of(run) is None and daemon_lives(opened))


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
