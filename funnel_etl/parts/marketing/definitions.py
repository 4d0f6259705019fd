"""Part 1 as Dagster sees it: its tables, assets, publish asset and sensor."""

import dagster as dg

from funnel_etl.core.parts import MARKETING
from funnel_etl.parts.marketing import assets, contracts
from funnel_etl.parts.marketing.zoom import assets as zoom_assets
from funnel_etl.parts.marketing.zoom.clean.contracts import CLEAN_TABLES
from funnel_etl.parts.marketing.zoom.reader.contracts import RAW_TABLES
from funnel_etl.parts.marketing.zoom.sensor import zoom_drop_folder, zoom_exports_job, zoom_refresh_job
from funnel_etl.platform.dagster.publish_asset import publish_asset

TABLES = (*contracts.TABLES, *RAW_TABLES, *CLEAN_TABLES)

publish_marketing = publish_asset(
    MARKETING, TABLES, sources=("tofu_leads", "ad_spend", "zoom"), file_states=zoom_assets.file_states
)

defs = dg.Definitions(
    assets=[*dg.load_assets_from_modules([assets, zoom_assets]), publish_marketing],
    jobs=[zoom_exports_job, zoom_refresh_job],
    sensors=[zoom_drop_folder],
)
