"""Every cell in which the sheet and mart differ, with its proved reason."""

import pandas as pd

from funnel_etl.core.tables.accounting import Outcome, summarised
from funnel_etl.marts.parity.decompose import Variant, differences
from funnel_etl.marts.parity.m0 import COLUMNS as M0_COLUMNS
from funnel_etl.marts.parity.m0 import SheetM0
from funnel_etl.marts.parity.reasons import M0_RULES, SALES_RULES, SPEND_RULES
from funnel_etl.marts.parity.sales import COLUMNS as SALES_COLUMNS
from funnel_etl.marts.parity.sales import SheetSales
from funnel_etl.marts.parity.sheet_cells import as_text
from funnel_etl.marts.parity.spend import SheetSpend
from funnel_etl.marts.parity.zoom_tab import as_sheet

KEY = ["table_name", "key", "column_name"]


def diff(
    m0: SheetM0,
    sales: SheetSales,
    spend: SheetSpend,
    attributed_m0: pd.DataFrame,
    attributed_sales: pd.DataFrame,
    spend_by_funnel: pd.DataFrame,
    *,
    month_is_closed: bool,
) -> Outcome:
    """Return one row per differing cell of the three tables. Columns as `parity.diff`."""
    month = attributed_m0[attributed_m0["month"] == m0.months["month_lag"]].set_index("phone")
    leads = month.assign(
        assigned_at=as_text(month["assigned_at"]),
        attended=as_sheet(month["attended"]),
        employee=month["first_employee"].fillna(""),
    )[M0_COLUMNS]

    def m0_of(keys: pd.Index | None) -> Variant:
        own = m0 if keys is None else m0.of(keys)
        return lambda corrected: leads if "month_closed" in corrected else own.variant(corrected)

    sold = attributed_sales.set_index("sale_id")
    sold = sold.assign(attended=as_sheet(sold["attended"]))[SALES_COLUMNS]
    rules = (*M0_RULES, "month_closed") if month_is_closed else M0_RULES

    def sales_of(keys: pd.Index | None) -> Variant:
        return (sales if keys is None else sales.of(keys)).variant

    found = [
        differences(m0_of, rules, leads, "funnel").assign(table_name="m0"),
        differences(sales_of, SALES_RULES, sold, "final_funnel").assign(table_name="sales"),
        differences(lambda _: spend.variant, SPEND_RULES, spend.canonical(spend_by_funnel), "spend_inr").assign(
            table_name="spend_by_funnel"
        ),
    ]
    rows = pd.concat(found, ignore_index=True).sort_values(KEY, kind="stable")
    inputs = {
        "mart.attributed_m0": month,
        "mart.attributed_sales": attributed_sales,
        "mart.spend_by_funnel": spend_by_funnel,
    }
    return summarised(rows, **inputs)


def every_cell_has_a_reason(own: pd.DataFrame, _inputs: object, _as_of: pd.Timestamp) -> tuple[int, int]:
    """Every cell in which the sheet and mart differ has a proved reason: cells with one, and cells."""
    return int(own["reason"].notna().sum()), len(own)
