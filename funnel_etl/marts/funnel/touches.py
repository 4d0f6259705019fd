"""The events of a person, over both parts: who attended, and what came first. Rules: Attended, First touch."""

import numpy as np
import pandas as pd

from funnel_etl.core.tables.accounting import TRACE, Outcome, RowAccount, close
from funnel_etl.core.values.text import is_one_of
from funnel_etl.marts.funnel.contracts import TOUCHES


def attendance_by_phone(attendance: pd.DataFrame, webinars: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Sum up each phone's occurrences up to `as_of`.

    Index: phone. Columns: attended (yes|no), first_attended_at, attended_count. Phones in no report are absent.
    """
    rows = with_event(attendance[["occurrence_id", "phone", "attended", "joined_at"]], webinars)
    known = (rows["event_date"] <= as_of) & rows["phone"].notna()
    came = rows["attended"].fillna(value=False).astype(bool)[known]
    came_at = rows["joined_at"].fillna(rows["started_at"])[known].where(came)
    # Grouped by number, not by text: sorting half a million phones takes longer than the rest of this.
    phone, phones = pd.factorize(rows["phone"][known])
    groups = pd.DataFrame({"came": came, "came_at": came_at}).groupby(phone)
    people = groups.agg(came=("came", "any"), first_attended_at=("came_at", "min"), attended_count=("came", "sum"))
    people.index = pd.Index(phones, name="phone")
    people["attended"] = people["came"].map({True: "yes", False: "no"}).astype("str")
    people["attended_count"] = people["attended_count"].astype("Int64")
    return people[["attended", "first_attended_at", "attended_count"]]


def with_attendance(rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Add attended (yes|no|not_found), first_attended_at and attended_count to rows that have a phone column."""
    found = pd.Index(rows["phone"]).to_frame(index=False).join(people, on="phone").set_axis(rows.index)
    return rows.assign(
        attended=found["attended"].fillna("not_found"),
        first_attended_at=found["first_attended_at"],
        attended_count=found["attended_count"].fillna(0).astype("Int64"),
    )


def touches(
    tofu_leads: pd.DataFrame,
    zoom_registrations: pd.DataFrame,
    zoom_attendance: pd.DataFrame,
    webinars: pd.DataFrame,
    assigned_leads: pd.DataFrame,
    as_of: pd.Timestamp,
) -> Outcome:
    """Return every event of every phone up to `as_of`, in order of time. Columns as `mart.touches`.

    An event without a time is no touch. Ties: the earlier stage of the funnel, then the order of the source.
    """
    leads, registered, given = tofu_leads, zoom_registrations, assigned_leads
    event = with_event(zoom_attendance[["occurrence_id"]], webinars).set_axis(zoom_attendance.index)
    came = zoom_attendance["attended"].fillna(value=False).astype(bool)
    came_at = zoom_attendance["joined_at"].fillna(event["started_at"])
    # In the order of STAGES: the sort below is stable.
    events = {
        "clean.tofu_leads": _touch(leads, "lead", leads["created_at"], leads["created_date"], leads["utm_source"]),
        "clean.zoom_registrations": _touch(
            registered,
            "registration",
            registered["registered_at"],
            registered["registered_date"],
            registered["registration_source"],
        ),
        "clean.zoom_attendance": _touch(
            zoom_attendance, "attendance", came_at, event["event_date"], zoom_attendance["registration_source"]
        ),
        "clean.assigned_leads": _touch(
            given, "assignment", given["assigned_at"], given["assigned_date"], given["source"]
        ),
    }
    accounts = {name: RowAccount(rows, name) for name, rows in events.items()}
    accounts["clean.zoom_attendance"].exclude(_where(~came, "no_show"))
    for name, account in accounts.items():
        at, day = events[name]["touch_at"], events[name]["touch_date"]
        account.exclude(_where(at.isna() | day.isna(), "no_time"))
        account.exclude(_where(day > as_of, "after_as_of"))
        account.exclude(_where(events[name]["phone"].isna(), "no_phone_to_follow"))
    kept = [events[name].index.get_indexer(account.remaining) for name, account in accounts.items()]
    at = pd.concat([rows["touch_at"].iloc[places] for rows, places in zip(events.values(), kept, strict=True)])
    order = np.argsort(at.dt.tz_localize(None).to_numpy(), kind="stable")
    # Column by column: in one piece they would be in memory three times.
    columns = {
        name: pd.concat(
            [rows[name].iloc[places] for rows, places in zip(events.values(), kept, strict=True)], ignore_index=True
        ).take(order)
        for name in TOUCHES.names
    }
    return close(pd.DataFrame(columns).reset_index(drop=True), *accounts.values())


def of_phones(touches: pd.DataFrame, phones: pd.Series) -> pd.DataFrame:
    """Return the touches of these phones, in their order; a fresh index. A blank phone is none."""
    return touches[is_one_of(touches["phone"], phones)].reset_index(drop=True)


def first_touches(touches: pd.DataFrame) -> pd.DataFrame:
    """Return each phone's earliest touch. Index: phone; columns: first_touch_at, _date, _stage, _source, _funnel."""
    first = touches.drop_duplicates("phone").set_index("phone").rename(columns={"stage": "touch_stage"})
    first = first.rename(columns={"source": "touch_source", "funnel": "touch_funnel"})
    return first[["touch_at", "touch_date", "touch_stage", "touch_source", "touch_funnel"]].add_prefix("first_")


def _touch(rows: pd.DataFrame, stage: str, at: pd.Series, day: pd.Series, source: pd.Series) -> pd.DataFrame:
    own = rows[["phone", "funnel", *TRACE]]
    return own.assign(touch_at=at, touch_date=day, stage=stage, source=source)[TOUCHES.names]


def _where(mask: pd.Series, reason: str) -> pd.Series:
    return pd.Series(reason, index=mask.index, dtype="str").where(mask)


def with_event(attendance: pd.DataFrame, webinars: pd.DataFrame) -> pd.DataFrame:
    """Add event_date and started_at of the occurrence; one row per row of `attendance`, a fresh index."""
    return attendance.merge(webinars[["occurrence_id", "event_date", "started_at"]], on="occurrence_id", how="left")
