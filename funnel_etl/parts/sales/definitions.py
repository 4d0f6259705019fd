"""Part 2 as Dagster sees it: its tables, assets and publish asset."""

import dagster as dg

from funnel_etl.core.parts import SALES
from funnel_etl.parts.sales import assets, contracts
from funnel_etl.platform.dagster.publish_asset import publish_asset

TABLES = contracts.TABLES

publish_sales = publish_asset(SALES, TABLES, sources=("crm_assigned_leads", "crm_sales"))

defs = dg.Definitions(assets=[*dg.load_assets_from_modules([assets]), publish_sales])
