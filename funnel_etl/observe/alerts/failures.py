"""What of Dagster's runs and checks is failing now: failed and not succeeded since. Asks Dagster's own storage only."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus as CheckStatus
from dagster._core.storage.dagster_run import RunRecord

from funnel_etl.observe.alerts.causes import Failure
from funnel_etl.platform.dagster.freshness import COMPLETE, USUAL_VOLUME
from funnel_etl.platform.dagster.nights import PARTITION
from funnel_etl.platform.dagster.run_events import why_failed

LOOK_BACK = timedelta(days=7)
"""A failure that nobody ran again for that long is not told any more."""
MOST_RUNS = 200
LONGEST_RUN = timedelta(hours=3)
"""A run that goes on for longer was killed, or waits for a source: it must not keep all else from being told."""
WILL_RETRY = "dagster/will_retry"
RETRY_BEGINS = timedelta(minutes=10)
"""A run that crashed is run again by itself, and how that ends is told; when no retry began by then, the crash is."""
OPEN = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
FINAL = {CheckStatus.SUCCEEDED, CheckStatus.FAILED}


def is_running(instance: dg.DagsterInstance, now: datetime) -> bool:
    """Return whether a run is going on: what it has done so far is not the end of it."""
    return bool(instance.get_runs(dg.RunsFilter(statuses=OPEN, created_after=now - LONGEST_RUN), limit=1))


def failed_runs(instance: dg.DagsterInstance, now: datetime, back: timedelta = LOOK_BACK) -> list[Failure]:
    """Return each step that failed and did not succeed since, by its newest failure; runs that broke off likewise."""
    found: dict[str, Failure] = {}
    wanted = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], created_after=now - back)
    for record in instance.get_run_records(wanted, limit=MOST_RUNS):
        ended = datetime.fromtimestamp(record.end_time, UTC) if record.end_time else record.create_timestamp
        if record.dagster_run.tags.get(WILL_RETRY) == "true" and now - ended < RETRY_BEGINS:
            continue
        for name, failure in _of_run(instance, record):
            found.setdefault(name, failure)
    return [failure for failure in found.values() if not _is_resolved(instance, failure)]


def _of_run(instance: dg.DagsterInstance, record: RunRecord) -> Iterator[tuple[str, Failure]]:
    run = record.dagster_run
    at = datetime.fromtimestamp(record.end_time or record.create_timestamp.timestamp(), UTC)
    night = run.tags.get(PARTITION, "")
    steps = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    for entry in steps:
        event = entry.get_dagster_event()
        asset = str(event.step_key).replace("__", "/")
        failed_at = datetime.fromtimestamp(entry.timestamp, UTC)
        yield asset, Failure(asset, run.job_name, run.run_id, failed_at, why_failed(event), night)
    if not steps:
        why = "it was stopped or crashed. Fix: run it again; when it breaks off again, its last lines say where"
        yield f"job {run.job_name}", Failure("", run.job_name, run.run_id, at, why, night)


def _is_resolved(instance: dg.DagsterInstance, failure: Failure) -> bool:
    if "/" in failure.asset:
        made = instance.get_latest_materialization_event(dg.AssetKey(failure.asset.split("/")))
        is_later = made is not None and made.run_id != failure.run_id and made.timestamp > failure.at.timestamp()
        if made is not None and is_later and _night_of(made) >= failure.night:
            return True
    later = dg.RunsFilter(
        job_name=failure.job, statuses=[dg.DagsterRunStatus.SUCCESS], created_after=failure.at - timedelta(seconds=1)
    )
    # A replay of an older night that succeeds resolves nothing of this one.
    return any(run.tags.get(PARTITION, "") >= failure.night for run in instance.get_runs(later, limit=MOST_RUNS))


def _night_of(made: dg.EventLogEntry) -> str:
    return (made.asset_materialization.partition or "") if made.asset_materialization else ""


def failed_checks(instance: dg.DagsterInstance, keys: list[dg.AssetCheckKey]) -> list[Failure]:
    """Return each check whose newest result is that it failed; those of the watch tell by their own tables."""
    keys = [key for key in keys if key.name not in (COMPLETE, USUAL_VOLUME)]
    store = instance.event_log_storage
    newest = store.get_latest_asset_check_execution_by_key(keys)
    found = []
    for key, record in newest.items():
        last: AssetCheckExecutionRecord | None = record
        if record.status not in FINAL:
            history = store.get_asset_check_execution_history(key, limit=1, status=FINAL)
            last = history[0] if history else None
        if last is not None and last.status is CheckStatus.FAILED:
            found.append(_of_check(instance, key, last))
    return found


def _of_check(instance: dg.DagsterInstance, key: dg.AssetCheckKey, record: AssetCheckExecutionRecord) -> Failure:
    event = record.event.get_dagster_event() if record.event else None
    result = event.asset_check_evaluation_data if event else None
    run = instance.get_run_by_id(record.run_id)
    return Failure(
        "/".join(key.asset_key.path),
        run.job_name if run else "",
        record.run_id,
        datetime.fromtimestamp(record.create_timestamp, UTC),
        (result.description if result else None) or "it failed",
        (run.tags.get(PARTITION, "") if run else "") or record.partition or "",
        key.name,
        is_error=result is None or result.severity is dg.AssetCheckSeverity.ERROR,
    )
