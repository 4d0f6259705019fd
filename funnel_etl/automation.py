"""When the night runs: one job over all daily assets, one schedule, on by default."""

import dagster as dg

nightly = dg.define_asset_job(
    "nightly",
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(["zoom", "export"]),
    description="The whole night: every source, both parts, the facts. The partition is the as-of date.",
)

nightly_schedule = dg.build_schedule_from_partitioned_job(
    nightly,
    name="nightly",
    hour_of_day=2,
    minute_of_hour=30,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 02:30 of the business zone, for D-1.",
)
