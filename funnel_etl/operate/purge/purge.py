"""A purge by the command: the job that the schedule starts, in this process."""

from funnel_etl.assembly import TABLES, build_definitions
from funnel_etl.core.errors import FunnelError
from funnel_etl.maintenance.purge import PURGED_METADATA, Purged, purge
from funnel_etl.operate.run.dagster_home import instance
from funnel_etl.operate.run.night import only_writer, run_job
from funnel_etl.platform.dagster.run_events import failures_of
from funnel_etl.platform.dagster.table_asset import earlier_reads
from funnel_etl.settings import Settings


def run_purge(settings: Settings, *, dry_run: bool) -> Purged:
    """Purge by the job that the schedule starts, when nobody else writes; with `dry_run` only look.

    Raises `FunnelError` when it failed half-way; the next one goes on.
    """
    if dry_run:
        with instance(settings) as (opened, _):
            return purge(settings, opened, TABLES, earlier_reads(build_definitions(settings)), dry_run=True)
    with only_writer(settings) as writer:
        done = run_job(build_definitions(settings), "purge", writer)
    for event in done.all_events:
        if event.event_type_value == "STEP_OUTPUT" and PURGED_METADATA in event.step_output_data.metadata:
            return Purged.from_json(event.step_output_data.metadata[PURGED_METADATA].value)  # type: ignore[arg-type]
    why = "; ".join(failures_of(done).values()) or "it did not end"
    raise FunnelError(why, where="purge", fix="run it again: what is gone is gone, the rest is still there")
