"""The meeting of the parts as Dagster sees it: assets and publish asset."""

import dagster as dg

from funnel_etl.funnel import (
    assets,
    attribution_assets,
    attribution_contracts,
    closing,
    contracts,
    journey_assets,
    journey_contracts,
    published,
    revenue_assets,
    revenue_contracts,
    worklist_assets,
    worklist_contracts,
)
from funnel_etl.platform.publish_asset import publish_asset

PART = "funnel"
TABLES = (
    *contracts.TABLES,
    *journey_contracts.TABLES,
    *attribution_contracts.TABLES,
    *worklist_contracts.TABLES,
    *revenue_contracts.TABLES,
)

# The facts join both parts: published only after both, so that BI never sees facts of a night whose parts are older.
publish_funnel = publish_asset(
    PART,
    TABLES,
    sources=[closing.SOURCE],
    made_from=(*assets.MADE_FROM, *revenue_assets.MADE_FROM),
    needs=[["publish", "marketing"], ["publish", "sales"]],
    afterwards=published.keep,
)

defs = dg.Definitions(
    assets=[
        *dg.load_assets_from_modules([assets, journey_assets, attribution_assets, revenue_assets, worklist_assets]),
        publish_funnel,
    ]
)
