"""What marketing hands to sales: who attended, and where the hand-over has gaps. Rules: Where they meet."""

import numpy as np
import pandas as pd

from funnel_etl.core.tables.accounting import TRACE, Outcome, RowAccount, summarised
from funnel_etl.core.values.text import is_one_of
from funnel_etl.marts.funnel.journeys.contracts import HANDOVER_GAPS, QUALIFIED_LEADS
from funnel_etl.marts.funnel.touches import with_event

READ = ["occurrence_id", "attended", "phone", "user_id", "joined_at", "minutes_union", "category", "conductor"]
"""What of an attendance is read here, beside what leads back to its line."""
GIVEN = ["phone", "user_id", "assigned_at", "assigned_date", "employee", *TRACE]
"""What of an assignment is."""


def qualified_leads(
    zoom_attendance: pd.DataFrame,
    webinars: pd.DataFrame,
    assigned_leads: pd.DataFrame,
    lead_journey: pd.DataFrame,
    as_of: pd.Timestamp,
) -> Outcome:
    """Return one row per phone that attended an occurrence up to `as_of`. Columns as `mart.qualified_leads`."""
    account = RowAccount(zoom_attendance, "clean.zoom_attendance")
    came = _attended(zoom_attendance, webinars)
    account.exclude(_where(~zoom_attendance["attended"].fillna(value=False).astype(bool), "no_show"))
    account.exclude(_where(came["event_date"] > as_of, "after_as_of"))
    account.exclude(_where(zoom_attendance["phone"].isna(), "no_phone_to_hand_over"))

    rows = came.loc[account.remaining].sort_values("came_at", kind="stable")
    labels = pd.Series(rows.index, index=rows.index)
    last = labels.groupby(rows["phone"]).transform("last")
    account.merge(last[last != last.index], "attended_later")
    counts = rows.groupby("phone").size().astype("Int64")
    rows = rows.loc[last == last.index].rename(
        columns={"came_at": "last_attended_at", "event_date": "last_attended_date"}
    )
    rows = rows.rename(
        columns={"occurrence_id": "last_occurrence_id", "topic": "last_topic", "minutes_union": "minutes"}
    )
    rows = rows.drop(columns=["user_id"]).join(_touched(lead_journey), on="phone")
    rows["attended_count"] = counts.reindex(rows["phone"]).to_numpy()
    rows["is_assigned"] = is_one_of(rows["phone"], assigned_leads["phone"][assigned_leads["assigned_date"] <= as_of])
    rows["days_since_attended"] = (as_of - rows["last_attended_date"]).dt.days
    return account.outcome(rows.sort_values("phone", kind="stable")[QUALIFIED_LEADS.names])


def handover_gaps(
    zoom_attendance: pd.DataFrame, webinars: pd.DataFrame, assigned_leads: pd.DataFrame, as_of: pd.Timestamp
) -> Outcome:
    """Return one row per kind of gap and phone, as things stood at `as_of`. Columns as `mart.handover_gaps`."""
    came = _attended(zoom_attendance, webinars)
    came = came[
        came["attended"].fillna(value=False).astype(bool) & (came["event_date"] <= as_of) & came["phone"].notna()
    ]
    came = came.sort_values("came_at", kind="stable").drop_duplicates("phone").set_index("phone")
    came["employee"] = pd.Series(None, index=came.index, dtype="str")
    given = assigned_leads[GIVEN][(assigned_leads["assigned_date"] <= as_of) & assigned_leads["phone"].notna()]
    phone, phones = pd.factorize(given["phone"])
    order = np.argsort(given["assigned_at"].dt.tz_localize(None).to_numpy(), kind="stable")
    first, last = np.empty(len(phones), dtype="int64"), np.empty(len(phones), dtype="int64")
    first[phone[order[::-1]]] = order[::-1]  # of equal phones the one assigned last stays
    last[phone[order]] = order
    given = given.iloc[first].assign(employee=given["employee"].iloc[last].array).set_index("phone")

    attended_at = came["came_at"].reindex(given.index)
    came_phones, given_phones = came.index.to_series(), given.index.to_series()
    found = {
        "attended_not_assigned": _gap(came[~is_one_of(came_phones, given_phones)], "event_date"),
        "assigned_never_attended": _gap(given[~is_one_of(given_phones, came_phones)], "assigned_date"),
        "assigned_before_attending": _gap(given[given["assigned_at"] < attended_at], "assigned_date"),
    }
    rows = pd.concat([gap.assign(gap_kind=kind) for kind, gap in found.items()]).reset_index(names="phone")
    rows["age_days"] = (as_of - rows["since_date"]).dt.days
    inputs = {"clean.zoom_attendance": zoom_attendance, "clean.assigned_leads": assigned_leads}
    return summarised(rows.sort_values(["gap_kind", "phone"], kind="stable")[HANDOVER_GAPS.names], **inputs)


def _attended(zoom_attendance: pd.DataFrame, webinars: pd.DataFrame) -> pd.DataFrame:
    """Add to each row its occurrence's event_date and topic, and came_at: the join, else the start."""
    event = with_event(zoom_attendance[["occurrence_id"]], webinars).set_axis(zoom_attendance.index)
    topics = webinars.set_index("occurrence_id")["topic"]
    return zoom_attendance[[*READ, "source_tag", *TRACE]].assign(
        event_date=event["event_date"],
        topic=topics.reindex(zoom_attendance["occurrence_id"]).to_numpy(),
        came_at=zoom_attendance["joined_at"].fillna(event["started_at"]),
    )


def _touched(lead_journey: pd.DataFrame) -> pd.DataFrame:
    touched = [name for name in QUALIFIED_LEADS.names if name.startswith("first_touch_")]
    return lead_journey.set_index("phone")[[*touched, "user_id", "first_assigned_at"]]


def _gap(rows: pd.DataFrame, day: str) -> pd.DataFrame:
    return rows[["user_id", "employee", *TRACE]].assign(since_date=rows[day])


def _where(mask: pd.Series, reason: str) -> pd.Series:
    return pd.Series(reason, index=mask.index, dtype="str").where(mask)
