"""Which reports are in force: `raw.zoom_reports` and their rows → `clean.zoom_reports`.

Here: which occurrence a report belongs to, and which of several reports of one occurrence counts. Not here:
what follows for people (`attendance`, `registrations`) and for the occurrence (`occurrences`). Nothing here
depends on the order of arrival.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from funnel_etl.core.tables.accounting import Outcome, RowAccount
from funnel_etl.parts.marketing.zoom.clean.event_warnings import with_shared_phones
from funnel_etl.parts.marketing.zoom.clean.grouping import Ints
from funnel_etl.parts.marketing.zoom.clean.people import ROW, across_reports, comparable, identify, in_reports

NEAREST = pd.Timedelta(hours=36)
"""How far a scheduled time may be from the actual start it belongs to."""

CONTENT = (
    "section attended user_name first_name last_name email phone registered_at joined_at left_at minutes "
    "approval_status registration_source attendance_type source_name is_guest country"
).split()
"""The cells by which a row of one report is known again in another."""


def zoom_reports(
    reports: pd.DataFrame,
    attendee_rows: pd.DataFrame,
    registrant_rows: pd.DataFrame,
    *,
    zone: str,
    placeholders: frozenset[str],
) -> Outcome:
    """Return one row per report with its occurrence and standing. Columns as `clean.zoom_reports`.

    `precedence` is 1 for the report in force, 2, 3, … for those whose people stay where no report before them
    has them, and missing for a duplicate or a subset, of which nothing is used. A report without webinar id
    or start is quarantined.
    """
    reports = reports.reset_index(drop=True)
    if "source_row" not in reports:
        reports["source_row"] = pd.Series(1, index=reports.index, dtype="Int64")
    account = RowAccount(reports, "raw.zoom_reports")
    account.merge_duplicates(["file_id"], "same_bytes")
    account.quarantine(
        _unusable(reports), detail="the summary at the head of the report lacks what names its occurrence"
    )
    rows = account.rows().copy()
    rows["occurrence_id"] = occurrence_ids(rows, zone)
    rows = rows.join(_standing(rows, attendee_rows, registrant_rows, placeholders))
    rows["notes"] = with_shared_phones(rows, [attendee_rows, registrant_rows], placeholders)
    rows["in_force"] = rows["status"].eq("in_force").astype("boolean")
    return account.outcome(rows.sort_values("file_id", ignore_index=True))


def occurrence_ids(reports: pd.DataFrame, zone: str) -> pd.Series:
    """Name the occurrence of each report: webinar id and start to the minute.

    A registration report belongs to the nearest actual start of its id within 36 hours (of two as near, the
    earlier), else it is an occurrence of its own, from its scheduled time.
    """
    start = reports["started_at"].where(reports["report"].eq("attendee"), reports["scheduled_at"])
    actual = reports.loc[reports["report"].eq("attendee"), ["webinar_id", "started_at"]].drop_duplicates()
    waiting = reports.loc[reports["report"].eq("registration"), ["webinar_id", "scheduled_at"]]
    pairs = waiting.reset_index(names="label").merge(actual, on="webinar_id")
    pairs["apart"] = (pairs["started_at"] - pairs["scheduled_at"]).abs()
    near = pairs[pairs["apart"] <= NEAREST].sort_values(["apart", "started_at"]).drop_duplicates("label")
    start[near["label"]] = near["started_at"].to_numpy()
    local: pd.Series = start.dt.tz_convert(zone).dt.strftime("%Y%m%dT%H%M")
    return reports["webinar_id"].str.cat(local, sep="-")


def _unusable(reports: pd.DataFrame) -> pd.Series:
    start = reports["started_at"].where(reports["report"].eq("attendee"), reports["scheduled_at"])
    reasons = pd.Series(None, index=reports.index, dtype="str")
    reasons[start.isna()] = "no_start"
    reasons[reports["webinar_id"].fillna("").eq("")] = "no_webinar_id"
    return reasons


@dataclass(frozen=True)
class _Content:
    """The rows of one report: who each is and what it says, as numbers."""

    people: Ints
    rows: Ints
    cells: int = 0
    """How many cells say something; a phone that is none says nothing."""


def _standing(
    reports: pd.DataFrame,
    attendee_rows: pd.DataFrame,
    registrant_rows: pd.DataFrame,
    placeholders: frozenset[str],
) -> pd.DataFrame:
    """Return status, superseded_by and precedence; only several reports of a kind are looked into."""
    standing = pd.DataFrame(
        {
            "status": pd.Series("in_force", index=reports.index, dtype="str"),
            "superseded_by": pd.Series(None, index=reports.index, dtype="str"),
            "precedence": pd.Series(1, index=reports.index, dtype="Int64"),
        }
    )
    kinds = ["occurrence_id", "report"]
    several = reports[reports.duplicated(kinds, keep=False)]
    if several.empty:
        return standing
    content = _contents(reports, several, attendee_rows, registrant_rows, placeholders)
    ranked = several.assign(
        minute=several["generated_at"].dt.floor("min"),
        people_count=[len(np.unique(content[f].people)) if f in content else 0 for f in several["file_id"]],
        row_count=[len(content[f].rows) if f in content else 0 for f in several["file_id"]],
        cell_count=[content[f].cells if f in content else 0 for f in several["file_id"]],
    ).sort_values(["minute", "people_count", "row_count", "cell_count", "file_id"], na_position="first")
    for _kind, group in ranked.groupby(kinds, sort=False):
        labels = dict(zip(group["file_id"], group.index, strict=True))
        for file_id, verdict in _judged(list(labels), content).items():
            for column, value in verdict.items():
                standing.loc[labels[file_id], column] = value
    return standing


def _judged(files: list[str], content: dict[str, _Content]) -> dict[str, dict[str, Any]]:
    """Judge the reports of one occurrence and kind, given from the earliest generated (and least full) on.

    A report that says nothing new and lacks something of what is known so far does not count.
    """
    nothing = _Content(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    counted: list[str] = []
    fate: dict[str, str] = {}
    people, rows = nothing.people, nothing.rows
    for file_id in files:
        own = content.get(file_id, nothing)
        same = [f for f in counted if np.setxor1d(content.get(f, nothing).rows, own.rows).size == 0]
        if not counted or counted[-1] in same or np.setdiff1d(own.rows, rows).size:
            fate |= dict.fromkeys(same, "duplicate")
            counted = [*(f for f in counted if f not in same), file_id]
            stays = ~np.isin(people, own.people)
            people, rows = np.append(people[stays], own.people), np.append(rows[stays], own.rows)
        else:
            fate[file_id] = "subset"
    in_force = counted[-1]
    fate |= dict.fromkeys(counted[:-1], "superseded")
    verdicts: dict[str, dict[str, Any]] = {
        f: {"status": status, "superseded_by": in_force, "precedence": pd.NA} for f, status in fate.items()
    }
    for place, file_id in enumerate(reversed(counted[:-1]), start=2):
        verdicts[file_id]["precedence"] = place
    return verdicts


def _contents(
    reports: pd.DataFrame,
    several: pd.DataFrame,
    attendee_rows: pd.DataFrame,
    registrant_rows: pd.DataFrame,
    placeholders: frozenset[str],
) -> dict[str, _Content]:
    """Return the content of the reports in `several`, by file_id; others of their occurrences lend phones."""
    around = reports[reports["occurrence_id"].isin(several["occurrence_id"])]
    attendees, registrants = (
        in_reports(
            raw[raw["file_id"].isin(around["file_id"]) & raw["row_problem"].isna()].reset_index(drop=True),
            around,
        )
        for raw in (attendee_rows, registrant_rows)
    )
    identified = identify(attendees, registrants, placeholders)
    found: dict[str, _Content] = {}
    for raw, people in zip((attendees, registrants), identified, strict=True):
        known = raw.assign(person_key=people["person_key"], email=people["email"])
        person = across_reports(known).to_numpy(np.int64)
        own = people["phone"].where(people["phone_source"].eq(ROW))
        cells = comparable(raw[CONTENT].assign(phone=own.fillna(raw["phone"])))
        says = pd.util.hash_pandas_object(cells, index=False).to_numpy().view(np.int64)
        said = raw[CONTENT].assign(phone=own).notna().sum(axis=1).to_numpy()
        for file_id, places in known.groupby("file_id").indices.items():
            found[str(file_id)] = _Content(person[places], says[places], int(said[places].sum()))
    return found
