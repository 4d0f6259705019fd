"""How long a silent source is asked again: for hours, with growing pauses, after all else that the night can do.

Only what pulls is tried again, and only after a failure that may pass by itself. Dagster runs the steps of a night one
after the other; one that waits comes last, so the other part publishes first, and it lets other runs have the turn.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import dagster as dg

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.parts import FUNNEL, MARKETING, SALES
from funnel_etl.platform.dagster.nights import NIGHTLY, PARTITION
from funnel_etl.platform.run_lock import lend
from funnel_etl.settings import Settings

PATIENCE = "funnel_etl/patience_seconds"
"""Tag of a run that somebody gave a patience of its own."""
AFTER_THE_REST = {"dagster/priority": "-1"}
"""Tag of steps that pull: any other step that is ready goes first."""
ON_THE_WAY = {"dagster/priority": "1"}
"""Tag of steps on the way to the facts: those that are ready go first, for somebody waits to see a file in them."""
FIRST, LONGEST = 1 / 120, 1 / 8
"""The first and the longest pause, as shares of the whole patience: of four hours two minutes and half an hour."""
WAITS = "another run is going on: this one waits for it to end"
T = TypeVar("T")
progress = logging.getLogger("funnel_etl.progress")


def order_tag(group: str, *, pulls: bool = False) -> dict[str, str] | None:
    """Return the tag that says when a step of a group of assets is taken; None: in between."""
    if pulls:
        return AFTER_THE_REST
    return ON_THE_WAY if group in (MARKETING, SALES, FUNNEL) else None


def next_try(failed: Sequence[float], patience: float) -> float | None:
    """Return when to try again after failures at these moments; None: the patience is over. All in seconds."""
    ends = failed[0] + patience
    if failed[-1] >= ends:
        return None
    pause = patience * min(FIRST * 2.0 ** (len(failed) - 1), LONGEST)
    return min(failed[-1] + pause, ends)


def patience_of(run: dg.DagsterRun, settings: Settings) -> float:
    """Return for how many seconds a run asks a silent source again: as it was told, or the hours of the night."""
    if PATIENCE in run.tags:
        return float(run.tags[PATIENCE])
    return settings.pull_retry_hours * 3600 if run.job_name == NIGHTLY else 0.0


def patiently(context: dg.AssetExecutionContext, settings: Settings, pull: Callable[[], T]) -> T:
    """Pull; ask Dagster to try again later when the failure may pass. Raises as `pull` when the patience is over."""
    patience = patience_of(context.run, settings)
    failed = failed_at(context.instance, context.run.run_id, "__".join(context.asset_key.path))
    if failed:
        _wait_until(next_try(failed, patience) or 0.0, context, settings)
    try:
        return pull()
    except FunnelError as error:
        if not error.transient:
            raise
        failed.append(time.time())
        again, zone = next_try(failed, patience), ZoneInfo(settings.timezone)
        if again is None:
            if len(failed) > 1:
                error.what += f" (asked {len(failed)} times since {_clock(failed[0], zone)})"
            raise
        said = f"{'/'.join(context.asset_key.path)}: {error.where or 'its source'}: {error.what}; it is asked again at "
        said += f"{_clock(again, zone)}, for the last time at {_clock(failed[0] + patience, zone)}"
        progress.info("%s. Meanwhile the rest of the night goes on", said)
        raise dg.RetryRequested(max_retries=context.retry_number + 1) from error


def failed_at(instance: dg.DagsterInstance, run_id: str, step: str) -> list[float]:
    """Return when a step of a run failed in a way that is tried again, the earliest first."""
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_UP_FOR_RETRY)
    return sorted(entry.timestamp for entry in entries if entry.step_key == step)


@dataclass(frozen=True)
class Waiting:
    """A source that a run of a night found silent, and is going to ask again."""

    asset: str
    night: str
    since: datetime
    why: str


def waiting(instance: dg.DagsterInstance) -> Iterator[Waiting]:
    """Return what the runs that are going on wait for."""
    ends = {dg.DagsterEventType.STEP_SUCCESS, dg.DagsterEventType.STEP_FAILURE}
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        ended = {entry.step_key for entry in instance.all_logs(run.run_id, of_type=ends)}
        found: dict[str, Waiting] = {}
        for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_UP_FOR_RETRY):
            error = entry.get_dagster_event().step_retry_data.error
            if error is None or error.cls_name != dg.RetryRequested.__name__:
                continue  # a publication, which is tried again in seconds
            step = str(entry.step_key)
            since = datetime.fromtimestamp(entry.timestamp, UTC)
            if step in found:
                since = min(since, found[step].since)
            why = error.cause.message.partition(": ")[2].strip() if error.cause else "it does not answer"
            found[step] = Waiting(step.replace("__", "/"), run.tags.get(PARTITION, ""), since, why)
        yield from (one for step, one in found.items() if step not in ended)


def _wait_until(moment: float, context: dg.AssetExecutionContext, settings: Settings) -> None:
    """Wait, with the turn left to others. Ctrl+C and the UI's Terminate end it at once, as in any step."""
    if (seconds := moment - time.time()) > 0:
        context.log.info("waits until %s to ask the source again", _clock(moment, ZoneInfo(settings.timezone)))
        with lend(settings.state, lambda: context.log.info(WAITS)):
            time.sleep(seconds)


def _clock(moment: float, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(moment, zone):%H:%M}"
