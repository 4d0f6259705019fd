"""The job `purge` and its schedule: each week, on by default; what it does is in `purge`."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from funnel_etl.core.errors import FunnelError
from funnel_etl.delivery.sender_lock import no_sender
from funnel_etl.maintenance.purge import PURGED_METADATA, purge
from funnel_etl.maintenance.purge_render import purged_lines
from funnel_etl.platform.dagster.nights import one_at_a_time
from funnel_etl.platform.postgres.database import engine


# `lake` for the turn it brings: nothing is removed under a run that reads it, nor under a sender at work.
@dg.op(
    out=dg.Out(dg.Nothing), required_resource_keys={"all_tables", "database_url", "earlier_reads", "lake", "sources"}
)
def remove_what_is_old(context: dg.OpExecutionContext) -> Iterator[dg.Output[Any]]:
    """Remove old nights of the lake, old bytes of the landing archive and old runs, by the FUNNEL_KEEP_ settings."""
    opened = engine(context.resources.database_url)
    try:
        with no_sender(opened):
            done = purge(
                context.resources.sources.settings,
                context.instance,
                context.resources.all_tables,
                context.resources.earlier_reads,
            )
    except FunnelError as error:
        raise dg.Failure(description=str(error), allow_retries=error.transient) from None
    finally:
        opened.dispose()
    summary = "\n".join(f"- {line.strip()}" for line in purged_lines(done, dry_run=False))
    yield dg.Output(
        None, metadata={PURGED_METADATA: dg.MetadataValue.json(done.to_json()), "summary": dg.MetadataValue.md(summary)}
    )


@dg.job(
    name="purge",
    description="Removes what nobody needs any more: nights of the lake, bytes of the landing archive (only if "
    "FUNNEL_KEEP_LANDING_DAYS says so), ended runs. What a next night needs stays.",
    tags=one_at_a_time("purge"),
)
def purge_job() -> None:
    """Purge."""
    remove_what_is_old()


def purge_schedule(timezone: str) -> dg.ScheduleDefinition:
    """Return the schedule of the job, by the clock of the business zone."""
    return dg.ScheduleDefinition(
        name="purge",
        job=purge_job,
        cron_schedule="30 5 * * 0",
        execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Starts purge at 05:30 of the business zone on Sundays, when the night is over.",
    )
