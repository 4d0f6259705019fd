"""What changed, as Dagster sees it. Its own publication, after the facts': whatever it finds stops no fact."""

import dagster as dg

from funnel_etl.core.parts import CHANGES
from funnel_etl.marts.funnel.contracts import FUNNEL_FACTS
from funnel_etl.observe.changes import assets, contracts
from funnel_etl.platform.dagster.publish_asset import publish_asset

TABLES = contracts.TABLES

publish_changes = publish_asset(CHANGES, TABLES, made_from=(FUNNEL_FACTS,))

defs = dg.Definitions(assets=[assets.changes_asset, assets.changed_rows_asset, publish_changes])
