"""Runs that were killed: Dagster would believe for hours that they are going on, and let no other begin.

Seen by what a killed run leaves in the state folder (`platform/run_lock`); said by `funnel-etl run` and by a sensor.
"""

from pathlib import Path

import dagster as dg

from funnel_etl.platform.run_lock import forget, killed

GOING = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def fail_killed_runs(opened: dg.DagsterInstance, state: Path) -> list[str]:
    """Report each run that was killed in the middle of its work as failed; return their ids."""
    found = []
    for run_id in killed(state):
        run = opened.get_run_by_id(run_id)
        if run is not None and run.status in GOING:
            report_killed(opened, run)
            found.append(run_id)
        forget(state, run_id)
    return found


def report_killed(opened: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Report a run as failed because it was killed."""
    opened.report_run_failed(run, "killed before it ended")


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    required_resource_keys={"sources"},
    description="Looks every minute for runs that were killed, and marks them as failed, so that the queue goes on. "
    "Starts no run.",
)
def killed_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Report runs that were killed as failed, so that the queue goes on. Starts nothing."""
    found = fail_killed_runs(context.instance, context.resources.sources.settings.state)
    told = ", ".join(run_id[:8] for run_id in found)
    return dg.SkipReason(f"killed before they ended: {told}" if found else "no run was killed")
