"""Running one night from the command line: the same job as the schedule's, in this process, with a result a person can read."""

import fcntl
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import dagster as dg

from funnel_etl.core.errors import FunnelError
from funnel_etl.platform.dagster_home import instance, prepare_tables
from funnel_etl.settings import Settings

PARTS = ("marketing", "sales", "funnel")
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
    """How a night ended. `failures`: asset → one readable line."""

    night: date
    run_id: str
    parts: dict[str, PartResult]
    failures: dict[str, str] = field(default_factory=dict)

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
    with _one_at_a_time(settings.state), instance(settings) as (opened, databases):
        prepare_tables(databases)
        from funnel_etl.definitions import defs  # noqa: PLC0415 - see prepare_tables

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            done = defs.resolve_job_def("nightly").execute_in_process(
                instance=opened,
                partition_key=night.isoformat(),
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
        return _told(night, done)


def _told(night: date, done: dg.ExecuteInProcessResult) -> NightResult:
    result = NightResult(night, done.run_id, {part: PartResult(part) for part in PARTS})
    for event in done.all_events:
        if event.is_step_failure:
            result.failures[str(event.step_key).replace("__", "/")] = _why(event)
        elif event.is_successful_output and event.asset_key and event.asset_key.path[0] == "publish":
            pass
        elif event.is_step_materialization and event.asset_key and event.asset_key.path[0] == "publish":
            seen = {
                name: value.value for name, value in event.step_materialization_data.materialization.metadata.items()
            }
            result.parts[event.asset_key.path[1]] = PartResult(
                event.asset_key.path[1],
                bool(seen["published"]),
                int(seen["inserted"]),
                int(seen["changed"]),
                int(seen["deleted"]),
                str(seen["newest_as_of"]),
            )
    return result


def _why(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    error = data.error
    while error and error.cause:
        error = error.cause
    return error.message.strip().splitlines()[0] if error else "failed"


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
