"""The job `watch`, and what starts it: the end of every night and of every refresh, whatever came of it."""

import dagster as dg

from funnel_etl.automation import nightly
from funnel_etl.observe.completeness.assets import GROUP, OWN_CHECKS
from funnel_etl.parts.marketing.zoom.sensor import zoom_refresh_job
from funnel_etl.platform.dagster.nights import PARTITION, maker_of

WATCH = "watch"
NIGHTS = [nightly, zoom_refresh_job]

watch_job = dg.define_asset_job(
    WATCH,
    selection=dg.AssetSelection.groups(GROUP) | OWN_CHECKS,
    description="Says how complete each source is and which reports are missing, whether the night succeeded or not. "
    "Pulls nothing.",
)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=NIGHTS,
    request_job=watch_job,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks every 30 seconds for runs of nightly and zoom_refresh that succeeded, and starts watch for the "
    "night of each.",
)
def watch_after_success(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
    """Look at what is complete and what is missing after a night or a refresh that succeeded."""
    return watch_request(context.dagster_run)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.FAILURE,
    monitored_jobs=NIGHTS,
    request_job=watch_job,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks every 30 seconds for runs of nightly and zoom_refresh that failed, and starts watch for the "
    "night of each.",
)
def watch_after_failure(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
    """Look at what is complete and what is missing after a night or a refresh that failed."""
    return watch_request(context.dagster_run)


def watch_request(run: dg.DagsterRun) -> dg.RunRequest | dg.SkipReason:
    """Ask for the watch of a run's night, once a run."""
    if maker_of(run):
        return dg.SkipReason("funnel-etl run looks by itself")
    if PARTITION not in run.tags:
        return dg.SkipReason("the run was of no single night")
    return dg.RunRequest(run_key=run.run_id, partition_key=run.tags[PARTITION])
