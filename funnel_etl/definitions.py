"""All of funnel_etl for Dagster: the parts' definitions, the resources and the night's schedule. No logic."""

import dagster as dg

from funnel_etl import automation
from funnel_etl.alerts import definitions as alerts
from funnel_etl.changes import definitions as changes
from funnel_etl.funnel import definitions as funnel
from funnel_etl.marketing import definitions as marketing
from funnel_etl.operate import purge_job
from funnel_etl.operate.dead_runs import killed_runs
from funnel_etl.parity import definitions as parity
from funnel_etl.platform import config_asset
from funnel_etl.platform.contracts import TABLES as OPS_TABLES
from funnel_etl.resources import resources
from funnel_etl.sales import definitions as sales
from funnel_etl.settings import load_settings
from funnel_etl.watch import definitions as watch

TABLES = (
    *(*marketing.TABLES, *sales.TABLES, *funnel.TABLES, *parity.TABLES, *changes.TABLES, *watch.TABLES),
    *(*alerts.TABLES, *OPS_TABLES),
)
"""Every table's contract."""

defs = dg.Definitions.merge(
    marketing.defs,
    sales.defs,
    funnel.defs,
    parity.defs,
    changes.defs,
    watch.defs,
    alerts.defs,
    dg.Definitions(
        assets=[config_asset.config_versions],
        jobs=[automation.nightly, purge_job.purge_job],
        schedules=[automation.nightly_schedule, purge_job.purge_schedule],
        sensors=[killed_runs],
        resources=resources(load_settings(), TABLES),
        # A process per step would cost seconds each; the night is one run of small steps.
        executor=dg.in_process_executor,
    ),
)
