"""The events of a person, over both parts: who attended, and what came first. Rules: Attended, First touch."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

TOUCH = ["phone", "touch_at", "touch_date", "stage", "source", "funnel", "file_id", "source_row"]
"""Columns of `touches`: who, when, on which business day, what, and the line of a file that says so."""

READ = {
    *("phone", "funnel", "file_id", "source_row", "utm_source", "created_at", "created_date"),
    *("occurrence_id", "registered_at", "registered_date", "registration_source", "attended", "joined_at"),
    *("source", "assigned_at", "assigned_date"),
}
"""Columns of its inputs that `touches` reads."""


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
    leads: pd.DataFrame,
    registrations: pd.DataFrame,
    attendance: pd.DataFrame,
    webinars: pd.DataFrame,
    assigned: pd.DataFrame,
    as_of: pd.Timestamp,
) -> pd.DataFrame:
    """Return every event of every phone up to `as_of`, in order of time. Columns: TOUCH; a fresh index.

    An event without a time is no touch. Ties: the earlier stage of the funnel, then the order of the source.
    """
    event = with_event(attendance[["occurrence_id"]], webinars).set_axis(attendance.index)
    came = attendance["attended"].fillna(value=False).astype(bool)
    came_at = attendance["joined_at"].fillna(event["started_at"]).where(came)
    # In the order of STAGES: the sort below is stable.
    rows = pd.concat(
        [
            _touch(leads, "lead", leads["created_at"], leads["created_date"], leads["utm_source"]),
            _touch(
                registrations,
                "registration",
                registrations["registered_at"],
                registrations["registered_date"],
                registrations["registration_source"],
            ),
            _touch(attendance, "attendance", came_at, event["event_date"], attendance["registration_source"]),
            _touch(assigned, "assignment", assigned["assigned_at"], assigned["assigned_date"], assigned["source"]),
        ],
        ignore_index=True,
    )
    kept = ((rows["touch_date"] <= as_of) & rows["phone"].notna() & rows["touch_at"].notna()).to_numpy().nonzero()[0]
    order = np.argsort(rows["touch_at"].dt.tz_localize(None).to_numpy()[kept], kind="stable")
    # Chosen and sorted in one step: each copies every column.
    return rows.take(kept[order]).reset_index(drop=True)


def of_phones(rows: pd.DataFrame, phones: pd.Series) -> pd.DataFrame:
    """Return the rows of these phones, with those of their columns that `touches` reads. A blank phone is none."""
    return rows[[name for name in rows if name in READ]][is_one_of(rows["phone"], phones)]


def is_one_of(phones: pd.Series, wanted: pd.Series) -> npt.NDArray[np.bool_]:
    """Return, for each phone, whether it is wanted; a blank one is not. `isin` is ten times slower on texts."""
    values = pa.array(wanted.dropna().unique(), type=pa.large_string())
    found: npt.NDArray[np.bool_] = pc.is_in(pa.array(phones, type=pa.large_string()), value_set=values).to_numpy(
        zero_copy_only=False
    )
    return found


def first_touches(touches: pd.DataFrame) -> pd.DataFrame:
    """Return each phone's earliest touch. Index: phone; columns: first_touch_at, _date, _stage, _source, _funnel."""
    first = touches.drop_duplicates("phone").set_index("phone").rename(columns={"stage": "touch_stage"})
    first = first.rename(columns={"source": "touch_source", "funnel": "touch_funnel"})
    return first[["touch_at", "touch_date", "touch_stage", "touch_source", "touch_funnel"]].add_prefix("first_")


def _touch(rows: pd.DataFrame, stage: str, at: pd.Series, day: pd.Series, source: pd.Series) -> pd.DataFrame:
    own = rows[["phone", "funnel", "file_id", "source_row"]]
    return own.assign(touch_at=at, touch_date=day, stage=stage, source=source)[TOUCH]


def with_event(attendance: pd.DataFrame, webinars: pd.DataFrame) -> pd.DataFrame:
    """Add event_date and started_at of the occurrence; one row per row of `attendance`, a fresh index."""
    return attendance.merge(webinars[["occurrence_id", "event_date", "started_at"]], on="occurrence_id", how="left")
