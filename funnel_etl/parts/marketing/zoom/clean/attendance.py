"""Who attended, and when: attendee rows → `clean.zoom_attendance`, `clean.zoom_segments`. Rule: Attendance.

Here: people and their time in an occurrence. Not here: which rows are attendees (`attendee_rows`), and
registrations.
"""

import numpy as np
import pandas as pd

from funnel_etl.core.tables.accounting import Outcome, RowAccount
from funnel_etl.core.values.numbers import grouped
from funnel_etl.core.values.text import person_name
from funnel_etl.parts.marketing.zoom.clean.attendance_trace import decided_by
from funnel_etl.parts.marketing.zoom.clean.attendee_rows import attendees, broken_rows, open_rows, without_other_reports
from funnel_etl.parts.marketing.zoom.clean.grouping import (
    Groups,
    any_true,
    first_present,
    group,
    reduced,
    take,
    union_minutes,
)
from funnel_etl.parts.marketing.zoom.clean.people import LEAD, NOTHING_LENT, PHONE, REGISTRATION, REPORT, ROW, SEVERAL

CARRIED = ["registered_at", "approval_status", "attendance_type", "is_guest", "country"]
NAMES = ["user_name", "first_name", "last_name"]
OF_OCCURRENCE = ["webinar_id", "source_tag", "category", "conductor", "bootcamp_day", "funnel", "event_date"]


def zoom_attendance(
    reports: pd.DataFrame,
    attendee_rows: pd.DataFrame,
    registrant_rows: pd.DataFrame,
    occurrences: pd.DataFrame,
    *,
    bot_names: pd.DataFrame,
    placeholders: frozenset[str],
    lent: pd.DataFrame = NOTHING_LENT,
) -> Outcome:
    """Return one row per person and occurrence, no-shows too. Columns as `clean.zoom_attendance`.

    `reports` is `clean.zoom_reports`, `occurrences` is `clean.zoom_occurrences`, `lent` comes from
    `people.lent_by_leads`. Text cells are the first that are there, in the order of the report. Minutes of no-shows
    are 0; of people whose times cannot be used, missing.
    """
    account, known = open_rows(attendee_rows, reports, "raw.zoom_attendee_rows")
    _, registrants = open_rows(registrant_rows, reports, "raw.zoom_registrant_rows")
    without_other_reports(account, known)
    broken_rows(account, known, quarantine=True)
    rows = with_times(attendees(account, known, registrants, bot_names, placeholders, lent))
    warn_of_cells(account, known, rows)
    groups = group(rows["occurrence_id"], rows["person_key"])
    merge_later(account, rows, groups, "same_person")

    people = take_first(rows, groups, ["file_id", "source_row", "occurrence_id", "person_key", "email"])
    people = people.join(named(rows, groups)).join(phones(rows, groups))
    for column in CARRIED:
        people[column] = first_present(rows[column], groups)
    people["registration_source"] = first_present(rows["registration_source"].fillna(rows["source_name"]), groups)
    people = people.join(_time_attended(rows, groups))
    people = people.join(of_occurrence(people["occurrence_id"], occurrences, OF_OCCURRENCE))
    people["attended_date"] = people["event_date"].where(people["attended"])
    people["decided_by"] = decided_by(rows, groups, people, occurrences)
    note_several(account, people)
    people = people.drop(columns=SEVERAL)
    return account.outcome(people)


def zoom_segments(
    reports: pd.DataFrame,
    attendee_rows: pd.DataFrame,
    registrant_rows: pd.DataFrame,
    *,
    bot_names: pd.DataFrame,
    placeholders: frozenset[str],
    lent: pd.DataFrame = NOTHING_LENT,
) -> Outcome:
    """Return one row per join segment of an attendee. Columns as `clean.zoom_segments`; minutes are the report's."""
    account, known = open_rows(attendee_rows, reports, "raw.zoom_attendee_rows")
    _, registrants = open_rows(registrant_rows, reports, "raw.zoom_registrant_rows")
    without_other_reports(account, known)
    broken_rows(account, known, quarantine=False)
    rows = with_times(attendees(account, known, registrants, bot_names, placeholders, lent))
    reasons = pd.Series(None, index=rows.index, dtype="str")
    reasons[~rows["is_usable"]] = "unusable_times"
    reasons[~rows["is_present"]] = "no_show"
    account.exclude(reasons)
    return account.outcome(rows[rows["is_usable"]].reset_index(drop=True))


def with_times(rows: pd.DataFrame) -> pd.DataFrame:
    """Add `is_present` (the row attended) and `is_usable` (its times make an interval); clear what cannot be used.

    A row that does not say whether it attended did if it has a join time. An interval that ends before it
    begins says nothing about either end; negative minutes are unreadable.
    """
    is_present = rows["attended"].fillna(rows["joined_at"].notna()).astype(bool)
    is_inverted = (rows["left_at"] < rows["joined_at"]).astype(bool)
    joined_at = rows["joined_at"].where(is_present & ~is_inverted)
    left_at = rows["left_at"].where(is_present & ~is_inverted)
    return rows.assign(
        is_present=is_present,
        is_inverted=is_inverted,
        is_usable=joined_at.notna() & left_at.notna(),
        joined_at=joined_at,
        left_at=left_at,
        minutes=rows["minutes"].where(is_present & rows["minutes"].ge(0).fillna(value=False)),
    )


def warn_of_cells(account: RowAccount, known: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Count the cells of the remaining rows that could not be read: by the reader, as e-mail, as interval."""
    unread = known["cell_warnings"].fillna(0)
    for times in range(1, int(unread.max()) + 1 if len(unread) else 1):
        account.warn("zoom_cell", unread >= times)
    typed = known["email"].fillna("").str.strip().ne("")
    account.warn("email", typed.loc[rows.index] & rows["email"].isna())
    if "is_inverted" in rows:
        account.warn("left_at", rows["is_inverted"])


def merge_later(account: RowAccount, rows: pd.DataFrame, groups: Groups, reason: str) -> None:
    """Merge every row that is not the first of its group into the first."""
    labels = rows.index.to_numpy()
    later = groups.is_later
    account.merge(pd.Series(labels[groups.first[groups.codes[later]]], index=labels[later]), reason)


def take_first(rows: pd.DataFrame, groups: Groups, columns: list[str]) -> pd.DataFrame:
    """Return the first row of each group, but the first e-mail that is there."""
    people = rows.iloc[groups.first][columns].reset_index(drop=True)
    people["email"] = first_present(rows["email"], groups)
    return people


def named(rows: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    """Return the first user, first and last name of each group that is there. Rule: Names."""
    return pd.DataFrame({name: first_present(person_name(rows[name]), groups) for name in NAMES})


def phones(rows: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    """Return the phone columns of each group, all of one row: one with a phone of its own, else lent, else any text.

    With SEVERAL: whether its e-mail would have lent one, had the campaign leads not several.
    """
    lent = rows["phone_source"].map({ROW: 0, REPORT: 1, REGISTRATION: 2, LEAD: 3})
    choice = lent.fillna(rows["phone_class"].eq("blank").astype(int) + 4).to_numpy(dtype=np.int64)
    order = np.lexsort((np.arange(len(rows)), choice, groups.codes))
    best = order[np.unique(groups.codes[order], return_index=True)[1]]
    found = pd.DataFrame({name: take(rows[name], best) for name in [*PHONE, "phone_source"]})
    found[SEVERAL] = any_true(rows[SEVERAL].to_numpy(bool), groups) & found["phone"].isna()
    return found


def note_several(account: RowAccount, people: pd.DataFrame) -> None:
    """Note how many people stay without a phone because the campaign leads have several under their e-mail."""
    if count := int(people[SEVERAL].sum()):
        account.notes.append(
            f"{grouped(count)} people have no phone: the campaign leads have several under their e-mail"
        )


def of_occurrence(occurrence_ids: pd.Series, occurrences: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Look up `columns` of `clean.zoom_occurrences` for each occurrence_id."""
    place = pd.Index(occurrences["occurrence_id"]).get_indexer(pd.Index(occurrence_ids))
    return pd.DataFrame({name: take(occurrences[name], place) for name in columns})


def _time_attended(rows: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    attended = any_true(rows["is_present"].to_numpy(), groups)
    starts, ends = (rows[name].where(rows["is_usable"]) for name in ("joined_at", "left_at"))
    minutes = {
        "minutes_max": reduced(rows["minutes"], groups, "max"),
        "minutes_sum": reduced(rows["minutes"], groups, "sum"),
        "minutes_union": union_minutes(starts, ends, groups),
    }
    segments = np.bincount(groups.codes[rows["is_usable"].to_numpy()], minlength=groups.count)
    return pd.DataFrame(
        {
            "attended": pd.Series(attended, dtype="boolean"),
            "joined_at": reduced(rows["joined_at"], groups, "min"),
            "left_at": reduced(rows["left_at"], groups, "max"),
            **{name: values.astype("Int64").mask(~attended, 0) for name, values in minutes.items()},
            "segment_count": pd.Series(segments, dtype="Int64"),
        }
    )
