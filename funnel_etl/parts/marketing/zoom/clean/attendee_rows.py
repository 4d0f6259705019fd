"""Which rows of attendee reports are attendees: hosts, panelists, staff, bots and superseded rows leave here.

Here: what attendance, segments and derived registrations have in common. Not here: what becomes of the rows
that stay.
"""

import re

import pandas as pd

from funnel_etl.core.tables.accounting import RowAccount
from funnel_etl.core.values.patterns import wildcard
from funnel_etl.core.values.text import clean_email, lookup_key, map_unique
from funnel_etl.parts.marketing.zoom.clean.people import identify, in_reports, superseded
from funnel_etl.parts.marketing.zoom.reader.contracts import DOCUMENTS

IN_QUARANTINE = "quarantined_in_zoom_attendance"
"""Why a broken row is not in a table beside zoom_attendance: one broken row is one line in the quarantine."""


def open_rows(raw: pd.DataFrame, reports: pd.DataFrame, input_name: str) -> tuple[RowAccount, pd.DataFrame]:
    """Open the account of raw rows; give it, and the rows with what `people.in_reports` knows of them."""
    raw = raw.reset_index(drop=True)
    return RowAccount(raw, input_name), in_reports(raw, reports.reset_index(drop=True))


def without_other_reports(account: RowAccount, known: pd.DataFrame) -> None:
    """Exclude the rows of reports of which nothing is used; and test leads, that a form sent on to Zoom."""
    reasons = pd.Series(None, index=known.index, dtype="str")
    reasons[known["is_test_lead"].fillna(value=False)] = "test_lead"
    reasons[known["status"].eq("subset")] = "subset_report"
    reasons[known["status"].eq("duplicate")] = "duplicate_report"
    reasons[known["occurrence_id"].isna()] = "report_in_quarantine"
    account.exclude(reasons)


def broken_rows(account: RowAccount, known: pd.DataFrame, *, quarantine: bool) -> None:
    """Put rows that do not fit their header into quarantine; or exclude them, another table's has them then."""
    if quarantine:
        account.quarantine(known["row_problem"], detail="the record does not have the fields of its section's header")
    else:
        account.exclude(known["row_problem"].where(known["row_problem"].isna(), IN_QUARANTINE))


def attendees(
    account: RowAccount,
    known: pd.DataFrame,
    registrants: pd.DataFrame,
    bot_names: pd.DataFrame,
    placeholders: frozenset[str],
    lent: pd.DataFrame,
) -> pd.DataFrame:
    """Return the attendee and other rows that stay, with their person (`people.identify`), in report order.

    `known` and `registrants` come from `open_rows`. Hosts, panelists, staff, bots and superseded people leave
    the account.
    """
    without_staff_and_bots(account, known, bot_names)
    rows = known.drop(columns=[*DOCUMENTS], errors="ignore").loc[account.remaining]
    usable = registrants[registrants["row_problem"].isna() & registrants["occurrence_id"].notna()]
    people, _ = identify(rows, usable, placeholders, lent)
    rows = rows.drop(columns=["email", "phone"]).join(people)
    account.exclude(superseded(rows))
    return in_order(rows, account.remaining)


def without_staff_and_bots(account: RowAccount, known: pd.DataFrame, bot_names: pd.DataFrame) -> None:
    """Exclude hosts, panelists, attendee rows with their e-mail, and note-takers."""
    account.exclude(known["section"].where(known["section"].isin(["host", "panelist"])).astype("str"))
    account.exclude(_staff(known))
    account.exclude(_bots(_shown_names(known), bot_names))


def in_order(rows: pd.DataFrame, remaining: pd.Index) -> pd.DataFrame:
    """Return those that remain by occurrence, report (the latest first) and line: the order of arrival is not in it."""
    key = ["occurrence_id", "file_rank", "source_row"]
    return rows.loc[rows.loc[remaining, key].sort_values(key).index]


def _staff(known: pd.DataFrame) -> pd.Series:
    """Return "staff" for attendee rows with a host's or panelist's e-mail, of the same report or an earlier one."""
    email = clean_email(known["email"])
    reasons = pd.Series(None, index=known.index, dtype="str")
    is_staff = known["section"].isin(["host", "panelist"]) & known["row_problem"].isna() & email.notna()
    staff = pd.DataFrame(
        {
            "occurrence_id": known.loc[is_staff, "occurrence_id"],
            "email": email[is_staff],
            "known_from": known.loc[is_staff, "precedence"],
        }
    )
    suspects = known["section"].eq("attendee") & email.isin(staff["email"])
    if not suspects.any():
        return reasons
    earliest = staff.groupby(["occurrence_id", "email"], as_index=False)["known_from"].min()
    rows = known.loc[suspects, ["occurrence_id", "precedence"]].assign(email=email[suspects]).reset_index(names="label")
    found = rows.merge(earliest, on=["occurrence_id", "email"])
    reasons[found.loc[(found["known_from"] <= found["precedence"]).fillna(value=False), "label"]] = "staff"
    return reasons


def _shown_names(known: pd.DataFrame) -> pd.Series:
    """Return the name a row shows; the layout of 2020 has only first and last names."""
    full = known["first_name"].fillna("").str.strip() + " " + known["last_name"].fillna("").str.strip()
    return known["user_name"].fillna(full)


def _bots(user_names: pd.Series, bot_names: pd.DataFrame) -> pd.Series:
    """Return "bot" for user names that a pattern of `bot_names.csv` matches as a whole; a blank one matches nobody."""
    patterns = [wildcard(pattern).pattern for pattern in bot_names["pattern"].dropna() if lookup_key(pattern)]
    if not patterns:
        return pd.Series(None, index=user_names.index, dtype="str")
    either = re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.DOTALL)
    return map_unique(user_names, lambda name: "bot" if either.fullmatch(lookup_key(name)) else None)
