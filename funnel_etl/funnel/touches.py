"""The events of a person, over both parts: who attended, and what came first. Rules: Attended, First touch."""

import pandas as pd

TOUCH = ["phone", "touch_at", "touch_date", "stage", "source", "funnel", "file_id", "source_row"]
"""Columns of `touches`: who, when, on which business day, what, and the line of a file that says so."""


def attendance_by_phone(attendance: pd.DataFrame, webinars: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Sum up each phone's occurrences up to `as_of`.

    Index: phone. Columns: attended (yes|no), first_attended_at, attended_count. Phones in no report are absent.
    """
    rows = with_event(attendance, webinars)
    rows = rows[(rows["event_date"] <= as_of) & rows["phone"].notna()]
    came = rows["attended"].fillna(value=False).astype(bool)
    rows = rows.assign(came=came, came_at=rows["joined_at"].fillna(rows["started_at"]).where(came))
    people = rows.groupby("phone").agg(
        came=("came", "any"), first_attended_at=("came_at", "min"), attended_count=("came", "sum")
    )
    people["attended"] = people["came"].map({True: "yes", False: "no"}).astype("str")
    people["attended_count"] = people["attended_count"].astype("Int64")
    return people[["attended", "first_attended_at", "attended_count"]]


def with_attendance(rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Add attended (yes|no|not_found), first_attended_at and attended_count to rows that have a phone column."""
    joined = rows.join(people, on="phone")
    joined["attended"] = joined["attended"].fillna("not_found")
    joined["attended_count"] = joined["attended_count"].fillna(0).astype("Int64")
    return joined


def touches(
    leads: pd.DataFrame,
    registrations: pd.DataFrame,
    attendance: pd.DataFrame,
    webinars: pd.DataFrame,
    assigned: pd.DataFrame,
    as_of: pd.Timestamp,
) -> pd.DataFrame:
    """Give every event of every phone up to `as_of`, in order of time. Columns: TOUCH; a fresh index.

    An event without a time is no touch. Ties: the earlier stage of the funnel, then the order of the source.
    """
    came = with_event(attendance[attendance["attended"].fillna(value=False).astype(bool)], webinars)
    came_at = came["joined_at"].fillna(came["started_at"])
    # In the order of STAGES: the sort below is stable.
    found = [
        _touch(leads, "lead", leads["created_at"], leads["created_date"], leads["utm_source"]),
        _touch(
            registrations,
            "registration",
            registrations["registered_at"],
            registrations["registered_date"],
            registrations["registration_source"],
        ),
        _touch(came, "attendance", came_at, came["event_date"], came["registration_source"]),
        _touch(assigned, "assignment", assigned["assigned_at"], assigned["assigned_date"], assigned["source"]),
    ]
    rows = pd.concat(found, ignore_index=True)
    rows = rows[(rows["touch_date"] <= as_of) & rows["phone"].notna() & rows["touch_at"].notna()]
    return rows.sort_values("touch_at", kind="stable", ignore_index=True)


def first_touches(touches: pd.DataFrame) -> pd.DataFrame:
    """Give each phone's earliest touch. Index: phone; columns: first_touch_at, _date, _stage, _source, _funnel."""
    first = touches.drop_duplicates("phone").set_index("phone").rename(columns={"stage": "touch_stage"})
    first = first.rename(columns={"source": "touch_source", "funnel": "touch_funnel"})
    return first[["touch_at", "touch_date", "touch_stage", "touch_source", "touch_funnel"]].add_prefix("first_")


def _touch(rows: pd.DataFrame, stage: str, at: pd.Series, day: pd.Series, source: pd.Series) -> pd.DataFrame:
    own = rows[["phone", "funnel", "file_id", "source_row"]]
    return own.assign(touch_at=at, touch_date=day, stage=stage, source=source)[TOUCH]


def with_event(attendance: pd.DataFrame, webinars: pd.DataFrame) -> pd.DataFrame:
    """Add event_date and started_at of the occurrence; one row per row of `attendance`, a fresh index."""
    return attendance.merge(webinars[["occurrence_id", "event_date", "started_at"]], on="occurrence_id", how="left")
