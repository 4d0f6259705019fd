"""All of funnel_etl put together for Dagster: assets, jobs, schedules, sensors and resources. No logic.

Nothing here reads the environment: whoever has the settings builds it.
"""

import gc

import dagster as dg

from funnel_etl import automation
from funnel_etl.delivery import definitions as delivery
from funnel_etl.delivery.webengage import definitions as webengage
from funnel_etl.maintenance import purge_job
from funnel_etl.marts.engagement import definitions as engagement
from funnel_etl.marts.funnel import definitions as funnel
from funnel_etl.marts.parity import definitions as parity
from funnel_etl.observe.alerts import definitions as alerts
from funnel_etl.observe.changes import definitions as changes
from funnel_etl.observe.completeness import definitions as watch
from funnel_etl.parts.marketing import definitions as marketing
from funnel_etl.parts.sales import definitions as sales
from funnel_etl.platform.contracts import TABLES as OPS_TABLES
from funnel_etl.platform.dagster import config_asset
from funnel_etl.platform.dagster.killed_runs import killed_runs
from funnel_etl.platform.dagster.nights import nights_partition, of_nights
from funnel_etl.platform.dagster.table_asset import earlier_reads
from funnel_etl.resources import resources
from funnel_etl.settings import Settings

TABLES = (
    *(*marketing.TABLES, *sales.TABLES, *funnel.TABLES, *parity.TABLES, *changes.TABLES, *watch.TABLES),
    *(*engagement.TABLES, *webengage.TABLES, *delivery.TABLES, *alerts.TABLES, *OPS_TABLES),
)
"""Every table's contract."""


def build_definitions(settings: Settings) -> dg.Definitions:
    """Return all of it for an installation: its resources, and the nights since its first as partitions."""
    merged = dg.Definitions.merge(
        marketing.defs,
        sales.defs,
        funnel.defs,
        parity.defs,
        changes.defs,
        engagement.defs,
        webengage.defs,
        watch.defs,
        alerts.defs,
        delivery.defs,
        dg.Definitions(
            assets=[config_asset.config_versions],
            jobs=[automation.nightly, automation.watch_job, purge_job.purge_job],
            schedules=[
                automation.nightly_schedule,
                purge_job.purge_schedule(settings.timezone),
                delivery.deliver_due(settings.timezone),
            ],
            sensors=[automation.watch_after_success, automation.watch_after_failure, killed_runs],
            # A process per step would cost seconds each; the night is one run of small steps.
            executor=dg.in_process_executor,
        ),
    )
    return dg.Definitions(
        assets=of_nights(merged.assets or [], nights_partition(settings)),
        asset_checks=merged.asset_checks,
        jobs=merged.jobs,
        schedules=merged.schedules,
        sensors=merged.sensors,
        resources=resources(settings, TABLES, earlier_reads(merged)) | delivery.RESOURCES,
        executor=merged.executor,
    )


# Whatever is loaded by now stays until the process ends: the collector need not look at it again and again.
gc.freeze()
