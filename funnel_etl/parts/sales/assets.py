"""The asset of Part 2 that is not made from the declaration of a source: the CRM's history."""

import pandas as pd

from funnel_etl.core.parts import SALES as GROUP
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.earlier import Earlier
from funnel_etl.core.tables.validity import Uses
from funnel_etl.parts.sales import contracts
from funnel_etl.parts.sales.earlier import history_before
from funnel_etl.parts.sales.history import crm_history, settled_ledger
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.table_asset import table_asset
from funnel_etl.platform.lake import Lake


@table_asset(
    contracts.CRM_HISTORY,
    group=GROUP,
    inputs={
        "crm_assigned_leads": contracts.RAW_CRM_ASSIGNED_LEADS,
        "crm_sales": contracts.RAW_CRM_SALES,
        "assigned_leads": contracts.ASSIGNED_LEADS,
        "sales": contracts.SALES,
    },
    reads_earlier={contracts.CRM_HISTORY: (Earlier.BEFORE,)},
    uses=Uses.SETTLED,  # it dates what is new: after a night of the same dumps nothing is
    settled_ledger=settled_ledger,
)
def history(night: Night, lake_store: Lake, **frames: pd.DataFrame) -> Outcome:
    """Compare tonight's dumps with the night before, row by row."""
    before = history_before(night, lake_store)
    return crm_history(**frames, before=before, night=night.as_of, config=night.config)
