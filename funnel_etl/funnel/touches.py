"""The events of a person, over both parts: who attended, and what came first. Rules: Attended, First touch."""

import pandas as pd

from funnel_etl.funnel.contracts import STAGES

TOUCH = ["phone", "touch_at", "touch_date", "stage", "funnel"]


def attendance_by_phone(attendance: pd.DataFrame, webinars: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Sum up each phone's occurrences up to `as_of`.

    Index: phone. Columns: attended (yes|no), first_attended_at, attended_count. Phones in no report are absent.
    """
    rows = _with_event(attendance, webinars)
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


def first_touches(
    leads: pd.DataFrame,
    registrations: pd.DataFrame,
    attendance: pd.DataFrame,
    webinars: pd.DataFrame,
    assigned: pd.DataFrame,
    as_of: pd.Timestamp,
) -> pd.DataFrame:
    """Give each phone's earliest event up to `as_of`. Index: phone; columns: first_touch_at, _date, _stage, _funnel.

    An event without a time cannot be first. Ties: the earlier stage of the funnel, then the order of the source.
    """
    came = _with_event(attendance[attendance["attended"].fillna(value=False).astype(bool)], webinars)
    touches = pd.concat(
        [
            _touch(leads["phone"], leads["created_at"], leads["created_date"], "lead", leads["funnel"]),
            _touch(
                registrations["phone"],
                registrations["registered_at"],
                registrations["registered_date"],
                "registration",
                registrations["funnel"],
            ),
            _touch(
                came["phone"],
                came["joined_at"].fillna(came["started_at"]),
                came["event_date"],
                "attendance",
                came["funnel"],
            ),
            _touch(
                assigned["phone"], assigned["assigned_at"], assigned["assigned_date"], "assignment", assigned["funnel"]
            ),
        ],
        ignore_index=True,
    )
    touches = touches[(touches["touch_date"] <= as_of) & touches["phone"].notna() & touches["touch_at"].notna()]
    touches = touches.assign(rank=touches["stage"].map({stage: rank for rank, stage in enumerate(STAGES)}))
    first = touches.sort_values(["touch_at", "rank"], kind="stable").drop_duplicates("phone").set_index("phone")
    return (
        first[["touch_at", "touch_date", "stage", "funnel"]]
        .add_prefix("first_")
        .rename(columns={"first_stage": "first_touch_stage", "first_funnel": "first_touch_funnel"})
    )


def _touch(phone: pd.Series, at: pd.Series, day: pd.Series, stage: str, funnel: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"phone": phone, "touch_at": at, "touch_date": day, "stage": stage, "funnel": funnel})


def _with_event(attendance: pd.DataFrame, webinars: pd.DataFrame) -> pd.DataFrame:
    return attendance.merge(webinars[["occurrence_id", "event_date", "started_at"]], on="occurrence_id", how="left")
