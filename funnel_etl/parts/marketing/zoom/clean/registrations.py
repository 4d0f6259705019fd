"""Who registered: registrant rows, else attendee rows → `clean.zoom_registrations`. Rule: Registrations."""

import numpy as np
import pandas as pd

from funnel_etl.core.tables.accounting import Outcome, RowAccount, close
from funnel_etl.core.values.dates import business_day
from funnel_etl.core.values.text import lookup_keys
from funnel_etl.parts.marketing.zoom.clean.attendance import (
    NAMES,
    merge_later,
    named,
    note_several,
    of_occurrence,
    phones,
    take_first,
    warn_of_cells,
)
from funnel_etl.parts.marketing.zoom.clean.attendee_rows import (
    attendees,
    broken_rows,
    in_order,
    open_rows,
    without_other_reports,
)
from funnel_etl.parts.marketing.zoom.clean.grouping import any_true, group, micros
from funnel_etl.parts.marketing.zoom.clean.people import NOTHING_LENT, PHONE, SEVERAL, identify, superseded

REGISTRATION_REPORT, ATTENDEE_REPORT = "registration_report", "attendee_report"
STANDING = (
    "file_id source_row occurrence_id person_key email registered_at approval_status registration_source "
    "attendance_type"
).split()
"""What is taken from the registration that stands."""


def zoom_registrations(
    reports: pd.DataFrame,
    attendee_rows: pd.DataFrame,
    registrant_rows: pd.DataFrame,
    occurrences: pd.DataFrame,
    *,
    bot_names: pd.DataFrame,
    zone: str,
    placeholders: frozenset[str],
    lent: pd.DataFrame = NOTHING_LENT,
) -> Outcome:
    """Return one row per person and occurrence they registered for. Columns as `clean.zoom_registrations`.

    They come from the registration reports of the occurrence; where none has come, from the attendee section
    of its attendee reports, no-shows too. Of several registrations the earliest approved one stays, else the
    earliest of any status. `lent` as in `zoom_attendance`: a person has one key in both.
    """
    of_reports, own = _from_registration_reports(registrant_rows, reports, placeholders, lent)
    of_attendees, derived = _from_attendee_reports(attendee_rows, reports, bot_names, placeholders, lent)
    people = pd.concat([own, derived], ignore_index=True)
    note_several(of_reports, people)
    people = people.drop(columns=SEVERAL)
    columns = ["webinar_id", "source_tag", "funnel"]
    people = people.join(of_occurrence(people["occurrence_id"], occurrences, columns))
    people["registered_date"] = business_day(people["registered_at"], zone)
    people = people.sort_values(["occurrence_id", "registration_from", "file_id", "source_row"], ignore_index=True)
    return close(people, of_reports, of_attendees)


def _from_registration_reports(
    registrant_rows: pd.DataFrame, reports: pd.DataFrame, placeholders: frozenset[str], lent: pd.DataFrame
) -> tuple[RowAccount, pd.DataFrame]:
    account, known = open_rows(registrant_rows, reports, "raw.zoom_registrant_rows")
    without_other_reports(account, known)
    broken_rows(account, known, quarantine=True)
    rows = known.loc[account.remaining]
    _, people = identify(rows.iloc[:0], rows, placeholders, lent)
    rows = rows.drop(columns=["email", "phone"]).join(people)
    account.exclude(superseded(rows))
    rows = in_order(rows, account.remaining)
    warn_of_cells(account, known, rows)
    return account, _one_per_person(account, rows).assign(registration_from=REGISTRATION_REPORT)


def _from_attendee_reports(
    attendee_rows: pd.DataFrame,
    reports: pd.DataFrame,
    bot_names: pd.DataFrame,
    placeholders: frozenset[str],
    lent: pd.DataFrame,
) -> tuple[RowAccount, pd.DataFrame]:
    account, known = open_rows(attendee_rows, reports, "raw.zoom_attendee_rows")
    has_report = reports.loc[reports["report"].eq("registration"), "occurrence_id"]
    reasons = pd.Series(None, index=known.index, dtype="str")
    reasons[known["section"].eq("other")] = "not_registered"
    reasons[known["occurrence_id"].isin(has_report)] = "registration_report_came"
    account.exclude(reasons)
    without_other_reports(account, known)
    broken_rows(account, known, quarantine=False)
    rows = attendees(account, known, known.iloc[:0], bot_names, placeholders, lent)
    account.exclude(_unregistered(rows))
    rows = rows.loc[account.remaining]
    return account, _one_per_person(account, rows).assign(registration_from=ATTENDEE_REPORT)


def _unregistered(rows: pd.DataFrame) -> pd.Series:
    """Name the rows of people of whom the report tells no registration: the webinar asked for none."""
    groups = group(rows["occurrence_id"], rows["person_key"])
    told = (rows["registered_at"].notna() | rows["approval_status"].notna()).to_numpy()
    registered = any_true(told, groups)[groups.codes]
    return pd.Series("not_registered", index=rows.index, dtype="str").where(~registered)


def _one_per_person(account: RowAccount, rows: pd.DataFrame) -> pd.DataFrame:
    """Merge the registrations of a person into the one that stands; give the people.

    Names and phone are the first that are there; all else is that of the registration that stands.
    """
    rows = rows[[*STANDING, "source_name", *NAMES, *PHONE, "phone_source", SEVERAL]]
    in_report_order = np.arange(len(rows))
    registered = np.where(rows["registered_at"].notna(), micros(rows["registered_at"]), np.iinfo(np.int64).max)
    is_approved = lookup_keys(rows["approval_status"]).eq("approved").to_numpy()
    rows = rows.iloc[np.lexsort((in_report_order, registered, ~is_approved))]
    groups = group(rows["occurrence_id"], rows["person_key"])
    merge_later(account, rows, groups, "registered_again")
    rows["registration_source"] = rows["registration_source"].fillna(rows["source_name"])
    people = take_first(rows, groups, STANDING)
    return people.join(named(rows, groups)).join(phones(rows, groups))
