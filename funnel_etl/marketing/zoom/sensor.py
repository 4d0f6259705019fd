"""The sensor on the drop folder: lands each settled file and asks for one run per file."""

import dagster as dg

from funnel_etl.marketing.zoom.assets import exports, zoom_export
from funnel_etl.marketing.zoom.intake import take_in

zoom_exports_job = dg.define_asset_job("zoom_exports", selection=[zoom_export], partitions_def=exports)


@dg.sensor(
    job=zoom_exports_job,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    required_resource_keys={"sources", "parsed_reports"},
)
def zoom_drop_folder(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Take in Zoom exports people drop in `zoom/` of the drop folder; one run per new file, known by its content."""
    sources = context.resources.sources
    arrivals = take_in(sources, context.resources.parsed_reports)
    if not arrivals:
        return dg.SkipReason(f"nothing new and settled in {sources.settings.drop_folder.name}/zoom")
    keys = sorted({arrival.file_id[:16] for arrival in arrivals})
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=key, partition_key=key) for key in keys],
        dynamic_partitions_requests=[exports.build_add_request(keys)],
    )
