"""Parity as Dagster sees it. Its own publication: a difference without a reason stops parity, never the facts."""

import dagster as dg

from funnel_etl.core.parts import PARITY
from funnel_etl.marts.parity import assets, contracts
from funnel_etl.platform.dagster.publish_asset import publish_asset

TABLES = contracts.TABLES

publish_parity = publish_asset(PARITY, TABLES, made_from=assets.MADE_FROM)

defs = dg.Definitions(assets=[*dg.load_assets_from_modules([assets]), publish_parity])
