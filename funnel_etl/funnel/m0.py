"""M0: who was assigned in a month, each phone once. Rule: M0."""

import pandas as pd

from funnel_etl.core.accounting import Outcome, RowAccount, close
from funnel_etl.core.dates import month_start
from funnel_etl.funnel.closed_months import NOTHING_CLOSED, ClosedM0
from funnel_etl.funnel.contracts import ATTRIBUTED_M0
from funnel_etl.funnel.touches import attendance_by_phone, with_attendance


def attributed_m0(
    assigned_leads: pd.DataFrame,
    zoom_attendance: pd.DataFrame,
    webinars: pd.DataFrame,
    as_of: pd.Timestamp,
    closed: ClosedM0 = NOTHING_CLOSED,
) -> Outcome:
    """Give one row per month and phone, for every month in the data, over assignments up to `as_of`.

    Source, funnel and first_employee are those of the month's earliest row, current_employee of its latest; ties by the
    order of the dump. The rows of `closed` months stand as they are. Columns as `mart.attributed_m0`.
    """
    account = RowAccount(assigned_leads, "clean.assigned_leads")
    late = assigned_leads["assigned_date"] > as_of
    account.exclude(_where(late, "after_as_of"))
    account.exclude(_where(assigned_leads["phone"].isna(), "no_phone"))
    month = month_start(assigned_leads["assigned_date"])
    account.exclude(_where(month.isin(closed.months), "month_closed"))

    rows = account.rows().assign(month=month)
    # Rows kept from earlier dumps are older than the newest dump's window: over files by time, within one by its order.
    rows = rows.sort_values(["assigned_at", "source_row"], kind="stable")
    # By label, not by value: "first" and "last" of a column skip missing employees.
    labels = pd.Series(rows.index, index=rows.index).groupby([rows["month"], rows["phone"]], sort=False)
    first, last, count = (labels.transform(name) for name in ("first", "last", "size"))
    m0 = rows[first == rows.index].assign(
        first_employee=lambda frame: frame["employee"],
        current_employee=rows["employee"].reindex(last[first == rows.index]).to_numpy(),
        assignment_count=count[first == rows.index].astype("Int64"),
    )
    account.merge(first[first != rows.index], "later_assignment_of_the_month")

    m0 = with_attendance(m0, attendance_by_phone(zoom_attendance, webinars, as_of))
    m0["attended_before_assignment"] = m0["first_attended_at"] < m0["assigned_at"]
    kept = [frame for frame in (m0[ATTRIBUTED_M0.names], closed.rows) if len(frame)] or [ATTRIBUTED_M0.empty()]
    rows = pd.concat(kept, ignore_index=True).sort_values(["month", "phone"], kind="stable")
    accounts = [RowAccount(closed.rows, "mart.attributed_m0 as it was closed")] if closed.months else []
    return close(rows, account, *accounts)


def _where(mask: pd.Series, reason: str) -> pd.Series:
    return pd.Series(reason, index=mask.index, dtype="str").where(mask)
