"""The watch as Dagster sees it. Its own publication: it must speak when the night could not."""

import dagster as dg

from funnel_etl.core.parts import WATCH
from funnel_etl.observe.completeness import assets, contracts
from funnel_etl.observe.completeness.phone_contracts import PHONE_SHARES
from funnel_etl.observe.completeness.volume_contracts import VOLUME_TABLES
from funnel_etl.platform.dagster.publish_asset import publish_asset

TABLES = (*contracts.TABLES, *VOLUME_TABLES, PHONE_SHARES)

publish_watch = publish_asset(WATCH, TABLES)

defs = dg.Definitions(
    assets=[
        assets.missing_exports_asset,
        assets.completeness_asset,
        assets.volumes_asset,
        assets.volume_alarms_asset,
        assets.phone_shares_asset,
        publish_watch,
    ],
    asset_checks=[assets.complete, assets.usual_volume],
)
