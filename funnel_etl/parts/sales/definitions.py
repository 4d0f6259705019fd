"""Part 2 as Dagster sees it: its tables, assets and publish asset."""

import dagster as dg

from funnel_etl.parts.sales import assets, contracts
from funnel_etl.parts.sales.sources import SALES
from funnel_etl.platform.dagster.publish_asset import publish_asset
from funnel_etl.platform.dagster.source_assets import source_assets

TABLES = contracts.TABLES

publish_sales = publish_asset(SALES.name, TABLES, sources=[source.name for source in SALES.sources])

defs = dg.Definitions(
    assets=[
        *(asset for source in SALES.sources for asset in source_assets(source, SALES.name)),
        assets.history,
        publish_sales,
    ]
)
