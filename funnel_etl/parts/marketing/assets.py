"""Assets of Part 1 outside Zoom: each names its inputs and calls one pure function."""

import pandas as pd

from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.parts.marketing import contracts
from funnel_etl.parts.marketing.leads import clean_tofu_leads
from funnel_etl.parts.marketing.spend import clean_ad_spend
from funnel_etl.platform.contracts import CONFIG_VERSIONS
from funnel_etl.platform.dagster.freshness import EVERY_NIGHT
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.table_asset import table_asset

GROUP = "marketing"
CONFIG = [CONFIG_VERSIONS.asset_key]


@table_asset(contracts.RAW_TOFU_LEADS, group=GROUP, needs=CONFIG, freshness=EVERY_NIGHT)
def raw_tofu_leads(night: Night) -> Outcome:
    """Pull the campaign lead sheet and keep it as text."""
    return night.records("tofu_leads", contracts.TOFU_LEADS_SOURCE, contracts.TOFU_LEADS_KEY)


@table_asset(contracts.RAW_AD_SPEND, group=GROUP, needs=CONFIG, freshness=EVERY_NIGHT)
def raw_ad_spend(night: Night) -> Outcome:
    """Pull the ad spend sheet and keep it as text."""
    return night.records("ad_spend", contracts.SPEND_SOURCE, contracts.SPEND_KEY)


@table_asset(contracts.TOFU_LEADS, group=GROUP, inputs={"raw": contracts.RAW_TOFU_LEADS})
def tofu_leads(night: Night, raw: pd.DataFrame) -> Outcome:
    """Type and normalise the leads, and give each its funnel."""
    return clean_tofu_leads(raw, night.config, night.zone)


@table_asset(contracts.AD_SPEND, group=GROUP, inputs={"raw": contracts.RAW_AD_SPEND})
def ad_spend(night: Night, raw: pd.DataFrame) -> Outcome:
    """Type the spend lines, and look up each one's funnel."""
    return clean_ad_spend(raw, night.config, night.zone)
