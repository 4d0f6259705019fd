"""Assets of Part 2: each names its inputs and calls one pure function."""

import pandas as pd

from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.parts.sales import contracts
from funnel_etl.parts.sales.assigned_leads import clean_assigned_leads
from funnel_etl.parts.sales.earlier import history_before, leads_before, sales_before
from funnel_etl.parts.sales.history import crm_history, with_aged_out_leads, with_aged_out_sales
from funnel_etl.parts.sales.sales import clean_sales, sales_key, sales_source
from funnel_etl.platform.contracts import CONFIG_VERSIONS
from funnel_etl.platform.dagster.freshness import EVERY_NIGHT
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.table_asset import table_asset
from funnel_etl.platform.lake import Lake

GROUP = "sales"
CONFIG = [CONFIG_VERSIONS.asset_key]


@table_asset(contracts.RAW_CRM_ASSIGNED_LEADS, group=GROUP, needs=CONFIG, freshness=EVERY_NIGHT)
def raw_crm_assigned_leads(night: Night) -> Outcome:
    """Pull the CRM's dump of assignments and keep it as text."""
    return night.records("crm_assigned_leads", contracts.ASSIGNED_LEADS_SOURCE, contracts.ASSIGNED_LEADS_KEY)


@table_asset(contracts.RAW_CRM_SALES, group=GROUP, needs=CONFIG, freshness=EVERY_NIGHT)
def raw_crm_sales(night: Night) -> Outcome:
    """Pull the CRM's dump of sales and keep it as text."""
    return night.records("crm_sales", sales_source(night.config), sales_key(night.config))


@table_asset(
    contracts.ASSIGNED_LEADS,
    group=GROUP,
    inputs={"raw": contracts.RAW_CRM_ASSIGNED_LEADS},
    resources={"lake_store"},
)
def assigned_leads(night: Night, lake_store: Lake, raw: pd.DataFrame) -> Outcome:
    """Type and normalise the assignments, give each its funnel, and keep those the dump's window moved past."""
    today = clean_assigned_leads(raw, night.config, night.zone)
    return with_aged_out_leads(today, leads_before(night, lake_store), night.config)


@table_asset(contracts.SALES, group=GROUP, inputs={"raw": contracts.RAW_CRM_SALES}, resources={"lake_store"})
def sales(night: Night, lake_store: Lake, raw: pd.DataFrame) -> Outcome:
    """Type and normalise the sales, decide each one's final funnel, and keep those the dump's window moved past."""
    today = clean_sales(raw, night.config, night.zone)
    return with_aged_out_sales(today, sales_before(night, lake_store), night.config)


@table_asset(
    contracts.CRM_HISTORY,
    group=GROUP,
    inputs={
        "crm_assigned_leads": contracts.RAW_CRM_ASSIGNED_LEADS,
        "crm_sales": contracts.RAW_CRM_SALES,
        "assigned_leads": contracts.ASSIGNED_LEADS,
        "sales": contracts.SALES,
    },
    resources={"lake_store"},
)
def history(night: Night, lake_store: Lake, **frames: pd.DataFrame) -> Outcome:
    """Compare tonight's dumps with the night before, row by row."""
    before = history_before(night, lake_store)
    return crm_history(**frames, before=before, night=night.as_of, config=night.config)
