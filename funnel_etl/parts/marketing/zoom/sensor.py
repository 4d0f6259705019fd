"""The sensor on the drop folder: takes files, tells each one's state, and asks for one refresh a batch.

Here: gathering the situation and emitting what `refresh` decided. Not here: the decision.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import dagster as dg
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.contracts import Table
from funnel_etl.parts.marketing.zoom.assets import zoom_export
from funnel_etl.parts.marketing.zoom.intake import SOURCE, ParsedReports, take_in
from funnel_etl.parts.marketing.zoom.partitions import (
    EXPORT,
    arrival_metadata,
    diagnosis_of,
    exports,
    is_former,
    is_key_of,
    metadata_of,
    partition_key,
)
from funnel_etl.parts.marketing.zoom.refresh import NEEDS, Remembered, Situation, decide
from funnel_etl.parts.marketing.zoom.withdrawals import ever_decided, withdrawn
from funnel_etl.platform.dagster.freshness import watch_checks
from funnel_etl.platform.dagster.nights import NIGHTLY, one_at_a_time
from funnel_etl.platform.lake import Lake
from funnel_etl.sources.archive.arrivals import Arrival
from funnel_etl.sources.archive.decisions import SOURCE as DECISIONS
from funnel_etl.sources.nightly import NightlySources

TAKE_SECONDS, TELL_SECONDS = 20.0, 15.0
"""A look of the sensor may take a minute in all; what is left is done at the next one."""
LOOK_SECONDS = 10
"""Somebody who gives a file waits for it; a look with nothing new takes a fifth of a second."""
REFRESH = "zoom_refresh"
OPEN = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]

zoom_exports_job = dg.define_asset_job(
    "zoom_exports",
    selection=[zoom_export],
    description="Reads one dropped file again, by hand from its partition; changes no table.",
)
zoom_refresh_job = dg.define_asset_job(
    REFRESH,
    selection=dg.AssetSelection.assets(["raw", "zoom_reports"]).downstream() - watch_checks([["raw", "zoom_reports"]]),
    description="Works newly dropped Zoom reports into the last night: all of Zoom and what depends on it. "
    "Pulls no other source.",
    tags=one_at_a_time("refresh"),
)


@dg.sensor(
    job=zoom_refresh_job,
    minimum_interval_seconds=LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    required_resource_keys={"sources", "parsed_reports", "lake_store", "all_tables"},
    description="Looks every 10 seconds for Zoom exports in zoom/ of the drop folder, takes them in, and starts one "
    "run of zoom_refresh for all that came.",
)
def zoom_drop_folder(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Take Zoom exports people drop in `zoom/` of the drop folder, and work them into the last night, a batch a run."""
    sources, parsed = context.resources.sources, context.resources.parsed_reports
    remembered = Remembered.from_cursor(context.cursor)
    taken = take_in(sources, parsed, seconds=TAKE_SECONDS, wait=False)
    remembered = note_arrivals(remembered, sources)
    remembered = report_files(remembered, context.instance, sources, parsed)
    night = sources.settings.yesterday()
    situation = situation_of(
        context.instance, sources, context.resources.lake_store, context.resources.all_tables, night, remembered
    )
    verdict = decide(remembered, replace(situation, rest=taken.rest))
    cursor = verdict.remembered.to_cursor()
    if verdict.run_key is None:
        busy = ["the night is taking the files of the drop folder"] if taken.is_busy else []
        why = "; ".join([verdict.why, *busy, *taken.said()[:20]])
        return dg.SensorResult(skip_reason=why, cursor=cursor)
    request = dg.RunRequest(
        run_key=verdict.run_key,
        partition_key=night.isoformat(),
        tags={"funnel_etl/reports": str(len(verdict.files))},
    )
    return dg.SensorResult(run_requests=[request], cursor=cursor)


def file_mark(file_id: str) -> str:
    """Return a file's name in what the sensor remembers and in run keys; with another, all files would be new again."""
    return file_id[:16]


def note_arrivals(remembered: Remembered, sources: NightlySources) -> Remembered:
    """Note every report that arrived or was withdrawn since the last look, whoever did it, as not worked in yet."""
    arrivals = sources.landing.arrivals(SOURCE, after=remembered.taken)
    decided = sources.landing.arrivals(DECISIONS, after=remembered.decided)
    if not arrivals and not decided:
        return remembered
    new = [file_mark(a.file_id) for a in arrivals if a.status == "accepted"]
    new += map(file_mark, sorted(ever_decided(sources.landing))) if decided else []
    return replace(
        remembered,
        pending=tuple(dict.fromkeys([*remembered.pending, *new])),
        taken=arrivals[-1].arrival_id if arrivals else remembered.taken,
        decided=decided[-1].arrival_id if decided else remembered.decided,
    )


def report_files(
    remembered: Remembered, instance: DagsterInstance, sources: NightlySources, parsed: ParsedReports
) -> Remembered:
    """Show the state of each newly arrived report in its partition, without a run; as many as the time suffices for.

    Then partitions with keys of earlier versions give way to partitions of the same files with keys of today.
    """
    arrivals = sources.landing.arrivals(SOURCE, after=remembered.shown)
    deadline = time.monotonic() + TELL_SECONDS
    known = set(instance.get_dynamic_partitions(str(exports.name)))
    for arrival in arrivals:
        if time.monotonic() > deadline:
            return remembered
        if arrival.status == "accepted":
            _tell_one(arrival, instance, sources, parsed, known)
        remembered = replace(remembered, shown=arrival.arrival_id)
    former = sorted(filter(is_former, known))
    landed = [a for a in sources.landing.arrivals(SOURCE) if a.status == "accepted"] if former else []
    by_mark = {file_mark(arrival.file_id): arrival for arrival in reversed(landed)}
    for key in former:
        if time.monotonic() > deadline:
            break
        if key in by_mark:
            _tell_one(by_mark[key], instance, sources, parsed, known)
        else:
            instance.delete_dynamic_partition(str(exports.name), key)
    return remembered


def _tell_one(
    arrival: Arrival, instance: DagsterInstance, sources: NightlySources, parsed: ParsedReports, known: set[str]
) -> None:
    """Show a report in its partition, which replaces any other of the file. Changes `known`, all keys there are."""
    zone = sources.settings.timezone
    key = partition_key(arrival, parsed, zone)
    instance.add_dynamic_partitions(str(exports.name), [key])
    try:
        metadata = metadata_of(diagnosis_of(arrival, sources, parsed), arrival, zone)
    except FunnelError as error:
        warning = {"warnings": dg.MetadataValue.text(str(error)), "warning_count": 1}
        metadata = {**arrival_metadata(arrival, zone), **warning}
    event = dg.AssetMaterialization(asset_key=EXPORT, partition=key, metadata=metadata)
    instance.report_runless_asset_event(event)
    for other in {other for other in known if is_key_of(other, arrival.file_id)} - {key}:
        instance.delete_dynamic_partition(str(exports.name), other)
        known.discard(other)
    known.add(key)


def situation_of(
    instance: DagsterInstance,
    sources: NightlySources,
    lake: Lake,
    tables: Sequence[Table],
    night: date,
    remembered: Remembered,
) -> Situation:
    """Gather what the decision rests on."""
    running = {run.job_name for run in instance.get_runs(RunsFilter(statuses=OPEN))}
    used = sources.landing.night(night, SOURCE) or []
    missing = [t.full_name for t in tables if t.full_name in NEEDS and not lake.exists(t, night)]
    return Situation(
        night=night,
        used=frozenset(map(file_mark, used)),
        withdrawn=frozenset(map(file_mark, withdrawn(sources.landing))),
        under_way=next((job for job in (NIGHTLY, REFRESH) if job in running), None),
        missing=tuple(missing),
        asked_run=_outcome(instance, remembered.run_key),
    )


def _outcome(instance: DagsterInstance, run_key: str) -> str | None:
    """Return how the refresh that was asked for ended: None when it did not, or none was."""
    if not run_key:
        return None
    runs = instance.get_runs(RunsFilter(job_name=REFRESH, tags={"dagster/run_key": run_key}), limit=1)
    failed = {DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED}
    return next((("failed" if run.status in failed else "done") for run in runs), None)
