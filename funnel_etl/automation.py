"""When the night runs: one job over all daily assets, one schedule, on by default."""

import dagster as dg

from funnel_etl.observe.completeness.assets import GROUP as WATCH
from funnel_etl.observe.completeness.assets import OWN_CHECKS

# What watches the night is no part of it: it runs afterwards, whatever the night gave.
nightly = dg.define_asset_job(
    "nightly",
    selection=dg.AssetSelection.all()
    - dg.AssetSelection.assets(["zoom", "export"])
    - dg.AssetSelection.groups(WATCH)
    - OWN_CHECKS,
    description="The whole night: every source, both parts, the facts. The partition is the as-of date.",
)

nightly_schedule = dg.build_schedule_from_partitioned_job(
    nightly,
    name="nightly",
    hour_of_day=2,
    minute_of_hour=30,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Starts nightly at 02:30 of the business zone every day, for the day that has just ended (D-1).",
)
