"""M0: who was assigned in a month, each phone once. Rule: M0."""

import numpy as np
import pandas as pd

from funnel_etl.core.tables.accounting import Outcome, RowAccount, close
from funnel_etl.core.values.dates import month_start
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0
from funnel_etl.marts.funnel.m0.closed_months import NOTHING_CLOSED, ClosedM0
from funnel_etl.marts.funnel.touches import attendance_by_phone, with_attendance

M0_COLUMNS = [
    "phone",
    "user_id",
    "source",
    "funnel",
    "assigned_at",
    "assigned_date",
    "employee",
    "file_id",
    "source_row",
]
"""Columns of the month's earliest assignment that its M0 row has."""


def attributed_m0(
    assigned_leads: pd.DataFrame,
    zoom_attendance: pd.DataFrame,
    webinars: pd.DataFrame,
    as_of: pd.Timestamp,
    closed: ClosedM0 = NOTHING_CLOSED,
) -> Outcome:
    """Return one row per month and phone, for every month in the data, over assignments up to `as_of`.

    Source, funnel and first_employee are those of the month's earliest row, current_employee of its latest; ties by the
    order of the dump. The rows of `closed` months stand as they are. Columns as `mart.attributed_m0`.
    """
    account = RowAccount(assigned_leads, "clean.assigned_leads")
    late = assigned_leads["assigned_date"] > as_of
    account.exclude(_where(late, "after_as_of"))
    account.exclude(_where(assigned_leads["phone"].isna(), "no_phone"))
    month = month_start(assigned_leads["assigned_date"])
    account.exclude(_where(month.isin(closed.months), "month_closed"))

    # In numbers, by place in the input: each text column is copied once, for the rows that stay.
    place = assigned_leads.index.get_indexer(account.remaining)
    phone, phones = pd.factorize(assigned_leads["phone"].iloc[place], sort=True)
    group = month.to_numpy()[place].astype("datetime64[M]").astype("int64") * max(len(phones), 1) + phone
    # Rows of one time stay as they stand: by what aged out, then by the dump, page after page.
    at = assigned_leads["assigned_at"].dt.tz_localize(None).to_numpy()[place]
    order = np.lexsort((at, group))
    place, group = place[order], group[order]
    starts = np.flatnonzero(np.diff(group, prepend=group[:1] - 1))
    counts = np.diff(starts, append=len(group))
    first, last = place[starts], place[starts + counts - 1]
    m0 = (
        assigned_leads[M0_COLUMNS]
        .iloc[first]
        .assign(
            month=month.iloc[first],
            first_employee=lambda frame: frame["employee"],
            current_employee=assigned_leads["employee"].iloc[last].to_numpy(),
            assignment_count=pd.array(counts, dtype="Int64"),
        )
    )
    later = np.ones(len(place), dtype=bool)
    later[starts] = False
    labels = assigned_leads.index
    into = pd.Series(labels[np.repeat(first, counts)[later]], index=labels[place[later]])
    account.merge(into, "later_assignment_of_the_month")

    m0 = with_attendance(m0, attendance_by_phone(zoom_attendance, webinars, as_of))
    m0["attended_before_assignment"] = m0["first_attended_at"] < m0["assigned_at"]
    rows = m0[ATTRIBUTED_M0.names]
    if len(closed.rows):
        kept = [rows, closed.rows] if len(rows) else [closed.rows]
        rows = pd.concat(kept, ignore_index=True).sort_values(["month", "phone"], kind="stable")
    accounts = [RowAccount(closed.rows, "mart.attributed_m0 as it was closed")] if closed.months else []
    return close(rows, account, *accounts)


def _where(mask: pd.Series, reason: str) -> pd.Series:
    return pd.Series(reason, index=mask.index, dtype="str").where(mask)
