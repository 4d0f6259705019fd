"""The meeting of the parts as Dagster sees it: assets and publish asset."""

import dagster as dg

from funnel_etl.core.parts import FUNNEL
from funnel_etl.marts.funnel import (
    assets,
    contracts,
    published,
)
from funnel_etl.marts.funnel.attribution import (
    assets as attribution_assets,
)
from funnel_etl.marts.funnel.attribution import (
    contracts as attribution_contracts,
)
from funnel_etl.marts.funnel.journeys import (
    assets as journey_assets,
)
from funnel_etl.marts.funnel.journeys import (
    contracts as journey_contracts,
)
from funnel_etl.marts.funnel.m0 import (
    closing,
)
from funnel_etl.marts.funnel.revenue import (
    assets as revenue_assets,
)
from funnel_etl.marts.funnel.revenue import (
    contracts as revenue_contracts,
)
from funnel_etl.marts.funnel.worklist import (
    assets as worklist_assets,
)
from funnel_etl.marts.funnel.worklist import (
    contracts as worklist_contracts,
)
from funnel_etl.platform.dagster.publish_asset import publish_asset

TABLES = (
    *contracts.TABLES,
    *journey_contracts.TABLES,
    *attribution_contracts.TABLES,
    *worklist_contracts.TABLES,
    *revenue_contracts.TABLES,
)

# The facts join both parts: published only after both, so that BI never sees facts of a night whose parts are older.
publish_funnel = publish_asset(
    FUNNEL,
    TABLES,
    sources=[closing.SOURCE],
    made_from=(*assets.MADE_FROM, *revenue_assets.MADE_FROM),
    afterwards=published.keep,
)

defs = dg.Definitions(
    assets=[
        *dg.load_assets_from_modules([assets, journey_assets, attribution_assets, revenue_assets, worklist_assets]),
        publish_funnel,
    ]
)
