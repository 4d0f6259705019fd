"""Engagement as Dagster sees it: its tables, assets and publish asset."""

import dagster as dg

from funnel_etl.core.parts import ENGAGEMENT
from funnel_etl.marts.engagement import answers, assets, contracts, draft_contracts, edits, score_contracts
from funnel_etl.platform.dagster.publish_asset import publish_asset

TABLES = (*contracts.TABLES, *score_contracts.TABLES, *draft_contracts.TABLES)

# After the facts, and apart from them: whatever becomes of it, they stand.
publish_engagement = publish_asset(
    ENGAGEMENT, TABLES, sources=[edits.SOURCE, answers.SOURCE], made_from=assets.MADE_FROM
)

defs = dg.Definitions(assets=[*dg.load_assets_from_modules([assets]), publish_engagement])
