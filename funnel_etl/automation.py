"""When what runs: the night by its schedule, the watch after every night and every refresh, whatever came of it."""

import dagster as dg

from funnel_etl.core.parts import WATCH
from funnel_etl.observe.completeness.assets import OWN_CHECKS
from funnel_etl.parts.marketing.zoom.sensor import zoom_refresh_job
from funnel_etl.platform.dagster.nights import NIGHTLY, PARTITION, maker_of, one_at_a_time
from funnel_etl.settings import MOST_RETRY_HOURS

LONGEST_NIGHT_SECONDS = (MOST_RETRY_HOURS + 2) * 3600
"""After that a night is stopped: the longest wait for a source, and what any other run may take."""
FIRST_IN_THE_QUEUE = {"dagster/priority": "1"}
"""Where as many runs go on as may (dagster.yaml), the night is the next to start."""

# What watches the night is no part of it: it runs afterwards, whatever the night gave.
nightly = dg.define_asset_job(
    NIGHTLY,
    selection=dg.AssetSelection.all()
    - dg.AssetSelection.assets(["zoom", "export"])
    - dg.AssetSelection.groups(WATCH)
    - OWN_CHECKS,
    description="The whole night: every source, both parts, the facts. The partition is the as-of date.",
    tags=one_at_a_time("night") | {"dagster/max_runtime": str(LONGEST_NIGHT_SECONDS), **FIRST_IN_THE_QUEUE},
)

nightly_schedule = dg.build_schedule_from_partitioned_job(
    nightly,
    name=NIGHTLY,
    hour_of_day=2,
    minute_of_hour=30,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Starts nightly at 02:30 of the business zone every day, for the day that has just ended (D-1).",
)

watch_job = dg.define_asset_job(
    WATCH,
    selection=dg.AssetSelection.groups(WATCH) | OWN_CHECKS,
    description="Says how complete each source is and which reports are missing, whether the night succeeded or not. "
    "Pulls nothing.",
    tags=one_at_a_time("watch"),
)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[nightly, zoom_refresh_job],
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
    monitored_jobs=[nightly, zoom_refresh_job],
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
