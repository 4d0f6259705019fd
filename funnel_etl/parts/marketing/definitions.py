"""Part 1 as Dagster sees it: its tables, assets, publish asset and sensor."""

import dagster as dg

from funnel_etl.parts.marketing import contracts
from funnel_etl.parts.marketing.sources import MARKETING
from funnel_etl.parts.marketing.zoom import assets as zoom_assets
from funnel_etl.parts.marketing.zoom.clean.contracts import CLEAN_TABLES
from funnel_etl.parts.marketing.zoom.intake import SOURCE as ZOOM
from funnel_etl.parts.marketing.zoom.reader.contracts import RAW_TABLES
from funnel_etl.parts.marketing.zoom.reader.engagement_contracts import ENGAGEMENT_TABLES
from funnel_etl.parts.marketing.zoom.sensor import zoom_drop_folder, zoom_exports_job, zoom_refresh_job
from funnel_etl.platform.dagster.publish_asset import publish_asset
from funnel_etl.platform.dagster.source_assets import source_assets

TABLES = (*contracts.TABLES, *RAW_TABLES, *ENGAGEMENT_TABLES, *CLEAN_TABLES)

publish_marketing = publish_asset(
    MARKETING.name,
    TABLES,
    sources=[*(source.name for source in MARKETING.sources), ZOOM],
    file_states=zoom_assets.file_states,
)

defs = dg.Definitions(
    assets=[
        *(asset for source in MARKETING.sources for asset in source_assets(source, MARKETING.name)),
        *dg.load_assets_from_modules([zoom_assets]),
        publish_marketing,
    ],
    jobs=[zoom_exports_job, zoom_refresh_job],
    sensors=[zoom_drop_folder],
)
