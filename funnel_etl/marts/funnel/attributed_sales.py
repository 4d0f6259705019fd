"""Sales that count, with what led to them. Rules: What counts as a sale, Attended, First touch."""

import pandas as pd

from funnel_etl.core.tables.accounting import TRACE, Outcome, RowAccount
from funnel_etl.core.values.text import is_one_of
from funnel_etl.marts.funnel.touches import attendance_by_phone, first_touches, of_phones, with_attendance

SALE_COLUMNS = [
    *("sale_id", "sold_at", "sold_date", "phone", "final_funnel", "final_funnel_rule", "revenue_inr", "employee_name"),
    *TRACE,
]
"""Columns of a sale that its row here has, or is made from."""


def attributed_sales(
    sales: pd.DataFrame,
    attributed_m0: pd.DataFrame,
    touches: pd.DataFrame,
    zoom_attendance: pd.DataFrame,
    webinars: pd.DataFrame,
    as_of: pd.Timestamp,
) -> Outcome:
    """Return one row per counted sale up to `as_of`. Columns as `mart.attributed_sales`."""
    account = RowAccount(sales, "clean.sales")
    reason = pd.Series(None, index=sales.index, dtype="str")
    account.exclude(
        reason.mask(sales["sold_date"] > as_of, "after_as_of").mask(~sales["is_counted"], "status_not_counted")
    )

    rows = sales[SALE_COLUMNS].loc[account.remaining].rename(columns={"employee_name": "employee"})
    rows = with_attendance(rows, attendance_by_phone(zoom_attendance, webinars, as_of))
    rows["attended_before_sale"] = rows["first_attended_at"] < rows["sold_at"]
    rows = rows.join(_latest_m0(rows, attributed_m0))
    first = first_touches(of_phones(touches, rows["phone"]))
    rows = rows.join(first.drop(columns="first_touch_source"), on="phone")
    rows["days_to_convert"] = (rows["sold_date"] - rows["first_touch_date"]).dt.days.astype("Int64")
    return account.outcome(rows.sort_values("sale_id", kind="stable"))


def _latest_m0(sales: pd.DataFrame, m0: pd.DataFrame) -> pd.DataFrame:
    """Return m0_month and m0_funnel of each sale: the phone's latest M0 row assigned at or before the sale."""
    left = (
        sales[["phone", "sold_at"]]
        .dropna()
        .assign(label=lambda frame: frame.index)
        .sort_values("sold_at", kind="stable")
    )
    right = m0[["phone", "assigned_at", "month", "funnel"]]
    right = right[is_one_of(right["phone"], left["phone"])].sort_values("assigned_at", kind="stable")
    found = pd.merge_asof(left, right, left_on="sold_at", right_on="assigned_at", by="phone").set_index("label")
    return found[["month", "funnel"]].set_axis(["m0_month", "m0_funnel"], axis="columns").reindex(sales.index)
