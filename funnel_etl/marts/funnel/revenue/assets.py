"""The asset of the dated deltas of revenue, and what the nights before left for it."""

from datetime import date

import pandas as pd

from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.earlier import Earlier
from funnel_etl.core.tables.validity import Uses
from funnel_etl.marts.funnel import conservation
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_SALES
from funnel_etl.marts.funnel.revenue.contracts import REVENUE_CHANGES
from funnel_etl.marts.funnel.revenue.deltas import revenue_changes
from funnel_etl.parts.sales.contracts import CRM_HISTORY, SALES
from funnel_etl.parts.sales.earlier import sales_since
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.table_asset import table_asset
from funnel_etl.platform.lake import Lake

MADE_FROM = (CRM_HISTORY,)
"""The further table of the parts that these changes are made from."""


@table_asset(
    REVENUE_CHANGES,
    group="funnel",
    inputs={
        "sales": SALES.only(
            *"sale_id sold_date status revenue_inr is_counted final_funnel file_id source_row".split(),
        ),
        "history": CRM_HISTORY.only("dataset", "key", "valid_from", "valid_to", "change"),
        "attributed_sales": ATTRIBUTED_SALES.only("revenue_inr"),
    },
    reads_earlier={REVENUE_CHANGES: (Earlier.BEFORE,), SALES: (Earlier.SINCE,)},
    conserved={"deltas_add_up": conservation.deltas},
    uses=Uses.CUT_OFF,  # it dates what changed: where the night before is the same too, nothing did
)
def revenue_changes_asset(night: Night, lake_store: Lake, **frames: pd.DataFrame) -> Outcome:
    """List what changed tonight in what each sale counts for, and keep what earlier nights said."""
    sales, history = frames["sales"], frames["history"]
    before, since = changes_before(night, lake_store, history)
    return revenue_changes(before, sales, history, since, night.as_of)


def changes_before(night: Night, lake: Lake, history: pd.DataFrame) -> tuple[pd.DataFrame | None, pd.Timestamp | None]:
    """Return the changes up to the latest night before, and that night; nights that made none are made again."""
    newest: date | None = max((day for day in lake.nights(REVENUE_CHANGES) if day < night.day), default=None)
    rows = lake.read(REVENUE_CHANGES, newest) if newest else None
    since = pd.Timestamp(newest) if newest else None
    for day, sales in sales_since(night, lake, newest):
        rows = REVENUE_CHANGES.conform(revenue_changes(rows, sales, history, since, pd.Timestamp(day)).rows)
        since = pd.Timestamp(day)
    return rows, since
