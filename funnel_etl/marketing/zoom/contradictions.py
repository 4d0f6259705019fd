"""Where two reports of one occurrence say different things of a person → `ops.zoom_contradictions`.

Here: what a person should look at. Not here: which report wins (`reports`, `people`): between reports of one kind
that is the later generated.
"""

import numpy as np
import pandas as pd

from funnel_etl.core.accounting import Outcome, RowAccount, summarised
from funnel_etl.core.text import lookup_keys, squash
from funnel_etl.marketing.zoom.attendance import with_times
from funnel_etl.marketing.zoom.attendee_rows import (
    broken_rows,
    open_rows,
    without_other_reports,
    without_staff_and_bots,
)
from funnel_etl.marketing.zoom.grouping import group, micros
from funnel_etl.marketing.zoom.people import ROW, across_reports, identify

TEXTS = ("phone", "email", "first_name", "last_name", "user_name")
TAKEN_BACK = ("attended", "minutes", "joined_at", "left_at")
COLUMNS = ("attended", "minutes", "joined_at", "left_at", "phone", "email", "first_name", "last_name", "user_name")
COLUMNS = (*COLUMNS, "registered_at")
MINUTE = 60_000_000
"""Times less than a minute apart are the same: Zoom rounds one instant differently, and some layouts have no seconds."""

_STATEMENT = ["person", "place", "file_id", "source_row", "value"]


def zoom_contradictions(
    reports: pd.DataFrame,
    attendee_rows: pd.DataFrame,
    registrant_rows: pd.DataFrame,
    *,
    bot_names: pd.DataFrame,
    placeholders: frozenset[str],
    zone: str,
) -> Outcome:
    """Give what later generated reports contradict. Columns as `ops.zoom_contradictions`.

    Each report is held against the one before that says something of the person. Taken back are: that somebody
    attended, minutes, an earlier join, a later leave; other words are another phone, e-mail, name or registration
    time. A status may change, presence may grow, cells may be missing: that contradicts nothing. Rule: Attendance.
    """
    rows = _statements(reports, attendee_rows, registrant_rows, bot_names, placeholders)
    found = [_other_text(rows, name) for name in TEXTS]
    came = rows[rows["is_present"]]
    found += [
        _taken_back(_attended(rows), "attended", lambda was, now: now < was, {0: "No", 1: "Yes"}),
        _taken_back(_total(came), "minutes", lambda was, now: now < was),
        _taken_back(_extreme(came, "joined_at", "min"), "joined_at", lambda was, now: now >= was + MINUTE, zone),
        _taken_back(_extreme(came, "left_at", "max"), "left_at", lambda was, now: now <= was - MINUTE, zone),
        _registered(rows, zone),
    ]
    pairs = pd.concat(found, ignore_index=True).merge(_people(rows), on="person", how="left")
    pairs["_column"] = pairs["column_name"].map({name: place for place, name in enumerate(COLUMNS)})
    pairs = pairs.sort_values(["occurrence_id", "person_key", "_column", "place"], ignore_index=True)
    outcome = summarised(
        pairs, **{"raw.zoom_attendee_rows": attendee_rows, "raw.zoom_registrant_rows": registrant_rows}
    )
    if len(pairs):
        count = pairs["occurrence_id"].nunique()
        outcome.notes.append(f"{len(pairs)} contradictions between reports of {count} occurrences: a person should look")
    return outcome


def _statements(
    reports: pd.DataFrame,
    attendee_rows: pd.DataFrame,
    registrant_rows: pd.DataFrame,
    bot_names: pd.DataFrame,
    placeholders: frozenset[str],
) -> pd.DataFrame:
    """Give the rows of occurrences with several reports that count; `place` orders reports, `person` numbers people."""
    counted = reports[reports["precedence"].notna()]
    several = counted[counted["occurrence_id"].duplicated(keep=False)].copy()
    several["_minute"] = several["generated_at"].dt.floor("min")
    order = several.sort_values(
        ["_minute", "precedence", "report", "file_id"], ascending=[True, False, True, True], na_position="first"
    )
    place = pd.Series(range(len(order)), index=order["file_id"])
    attendees, registrants = (
        _usable(raw[raw["file_id"].isin(several["file_id"])], reports, bot_names)
        for raw in (attendee_rows, registrant_rows)
    )
    identified = identify(attendees, registrants, placeholders)
    rows = pd.concat(
        [
            raw.drop(columns=["email", "phone"]).join(people)
            for raw, people in zip((attendees, registrants), identified, strict=True)
        ],
        ignore_index=True,
    )
    rows = with_times(rows)
    rows["phone"] = rows["phone"].where(rows["phone_source"].eq(ROW))
    rows["place"] = rows["file_id"].map(place).astype("int64")
    rows["person"] = across_reports(rows)
    return rows.sort_values(["person", "place", "source_row"], ignore_index=True)


def _usable(raw: pd.DataFrame, reports: pd.DataFrame, bot_names: pd.DataFrame) -> pd.DataFrame:
    account, known = open_rows(raw, reports, "")
    without_other_reports(account, known)
    broken_rows(account, known, quarantine=False)
    without_staff_and_bots(account, known, bot_names)
    return known.loc[account.remaining].reset_index(drop=True)


def _people(rows: pd.DataFrame) -> pd.DataFrame:
    """Name each person as the clean tables do: by the attendee report that goes first, else the registration report."""
    order = rows.assign(late=rows["section"].eq("registrant")).sort_values(["late", "precedence", "source_row"])
    return order.drop_duplicates("person")[["person", "occurrence_id", "person_key"]]


def _other_text(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Find where a report has other values of a text than the one before, and none in common."""
    said = rows.loc[rows[name].notna(), [*_STATEMENT[:-1], name]].rename(columns={name: "value"})
    said["key"] = lookup_keys(said["value"])
    said = said[said["key"].ne("")].drop_duplicates(["person", "place", "key"])
    values = said[["person", "place", "key"]]
    first = said.drop_duplicates(["person", "place"])
    pairs = _pairs(first.assign(value=squash(first["value"])))
    for one, other in (("", "earlier_"), ("earlier_", "")):
        asked = pairs[["person", f"{one}place", f"{other}key"]].set_axis(["person", "place", "key"], axis=1)
        pairs = pairs[~_is_among(asked, values)]
    return _told(pairs, name)


def _is_among(asked: pd.DataFrame, values: pd.DataFrame) -> np.ndarray:
    codes = group(*(pd.concat([asked[name], values[name]], ignore_index=True) for name in values)).codes
    return np.isin(codes[: len(asked)], codes[len(asked) :])


def _attended(rows: pd.DataFrame) -> pd.DataFrame:
    told = rows[rows["section"].ne("registrant")].assign(measure=rows["is_present"].astype("int64"))
    return told.sort_values(["person", "place", "measure"], ascending=[True, True, False], kind="stable")


def _total(came: pd.DataFrame) -> pd.DataFrame:
    there = came[came["minutes"].notna()]
    total = there["minutes"].astype("int64").groupby([there["person"], there["place"]]).transform("sum")
    return there.assign(measure=total)


def _extreme(rows: pd.DataFrame, name: str, how: str) -> pd.DataFrame:
    there = rows[rows[name].notna()]
    there = there.assign(measure=micros(there[name]))
    return there.sort_values(["person", "place", "measure"], ascending=[True, True, how == "min"], kind="stable")


def _registered(rows: pd.DataFrame, zone: str) -> pd.DataFrame:
    """Find registration times that lie outside all that the report before has for the person."""
    first, last = (_extreme(rows, "registered_at", how).drop_duplicates(["person", "place"]) for how in ("min", "max"))
    until = last.set_index(["person", "place"])["measure"].rename("until")
    first = first.join(until, on=["person", "place"])
    pairs = _pairs(first.assign(value=_as_text(first["measure"], zone)))
    apart = (pairs["measure"] >= pairs["earlier_until"] + MINUTE) | (pairs["until"] <= pairs["earlier_measure"] - MINUTE)
    return _told(pairs[apart], "registered_at")


def _taken_back(rows: pd.DataFrame, name: str, is_less: object, shown: object = None) -> pd.DataFrame:
    raise NotImplementedError


def _pairs(first: pd.DataFrame) -> pd.DataFrame:
    """Put beside what a report says of a person what the report before says; `first` has one row for both."""
    columns = [name for name in first if name in {*_STATEMENT, "key", "measure", "until"}]
    first = first.sort_values(["person", "place"])[columns]
    before = first.shift(1).add_prefix("earlier_")
    return first.join(before)[first["person"].eq(before["earlier_person"])]


def _told(pairs: pd.DataFrame, name: str) -> pd.DataFrame:
    return pd.DataFrame()
