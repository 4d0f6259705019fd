"""What could be sent to WebEngage, as Dagster sees it: tables, assets and publish asset of the night."""

import dagster as dg

from funnel_etl.core.parts import DELIVERY
from funnel_etl.delivery.webengage import assets, contracts
from funnel_etl.delivery.webengage.intake import SOURCE
from funnel_etl.platform.dagster.publish_asset import publish_asset

TABLES = contracts.TABLES

publish_delivery = publish_asset(DELIVERY, TABLES, sources=[SOURCE])

defs = dg.Definitions(assets=[*dg.load_assets_from_modules([assets]), publish_delivery])
