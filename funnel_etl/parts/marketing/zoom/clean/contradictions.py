"""Where two reports of one occurrence say different things of a person → `ops.zoom_contradictions`.

Here: what a person should look at. Not here: which report wins (`reports`, `people`): between reports of one kind
that is the later generated.
"""

import numpy as np
import pandas as pd

from funnel_etl.core.tables.accounting import Outcome, summarised
from funnel_etl.core.values.text import lookup_keys, squash
from funnel_etl.parts.marketing.zoom.clean.attendance import with_times
from funnel_etl.parts.marketing.zoom.clean.attendee_rows import (
    broken_rows,
    open_rows,
    without_other_reports,
    without_staff_and_bots,
)
from funnel_etl.parts.marketing.zoom.clean.grouping import MINUTE, Bools, group, micros
from funnel_etl.parts.marketing.zoom.clean.people import NOTHING_LENT, ROW, across_reports, identify

TEXTS = ("phone", "email", "first_name", "last_name", "user_name")
COLUMNS = ("attended", "minutes", "joined_at", "left_at", *TEXTS, "registered_at")

_WHO_AND_WHERE = ["person", "place", "file_id", "source_row"]


def zoom_contradictions(
    reports: pd.DataFrame,
    attendee_rows: pd.DataFrame,
    registrant_rows: pd.DataFrame,
    *,
    bot_names: pd.DataFrame,
    placeholders: frozenset[str],
    zone: str,
    lent: pd.DataFrame = NOTHING_LENT,
) -> Outcome:
    """Return what later generated reports contradict. Columns as `ops.zoom_contradictions`.

    Each report is held against the one before that says something of the person. Taken back are: that somebody
    attended, minutes, an earlier join, a later leave; other words are another phone, e-mail, name or registration
    time. A status may change, presence may grow, cells may be missing: that contradicts nothing. Nor do times less
    than a minute apart: Zoom rounds one instant differently in two reports, and some layouts have no seconds.
    """
    rows = _rows_of_several_reports(reports, attendee_rows, registrant_rows, bot_names, placeholders, lent)
    came = rows[rows["is_present"]]
    found = [_other_text(rows, name) for name in TEXTS]
    found += [_attended(rows), _minutes(came), _joined(came, zone), _left(came, zone), _registered(rows, zone)]
    pairs = pd.concat(found, ignore_index=True).merge(_people(rows), on="person", how="left")
    pairs["column_place"] = pairs["column_name"].map({name: place for place, name in enumerate(COLUMNS)})
    pairs = pairs.sort_values(["occurrence_id", "person_key", "column_place", "place"], ignore_index=True)
    outcome = summarised(
        pairs, **{"raw.zoom_attendee_rows": attendee_rows, "raw.zoom_registrant_rows": registrant_rows}
    )
    if len(pairs):
        count = pairs["occurrence_id"].nunique()
        outcome.notes.append(
            f"{len(pairs)} contradictions between reports of {count} occurrences: a person should look"
        )
    return outcome


def _rows_of_several_reports(
    reports: pd.DataFrame,
    attendee_rows: pd.DataFrame,
    registrant_rows: pd.DataFrame,
    bot_names: pd.DataFrame,
    placeholders: frozenset[str],
    lent: pd.DataFrame,
) -> pd.DataFrame:
    """Return the rows of occurrences with several reports that count; `place` orders reports, `person` people."""
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
    identified = identify(attendees, registrants, placeholders, lent)
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
    said = rows.loc[rows[name].notna(), [*_WHO_AND_WHERE, name]].rename(columns={name: "value"})
    said["key"] = lookup_keys(said["value"])
    said = said[said["key"].ne("")].drop_duplicates(["person", "place", "key"])
    pairs = _pairs(said.assign(value=squash(said["value"])))
    for place, key in (("place", "earlier_key"), ("earlier_place", "key")):
        asked = pairs[["person", place, key]].set_axis(["person", "place", "key"], axis=1)
        pairs = pairs[~_is_among(asked, said)]
    return pairs.assign(column_name=name)


def _is_among(asked: pd.DataFrame, said: pd.DataFrame) -> Bools:
    codes = group(*(pd.concat([asked[name], said[name]], ignore_index=True) for name in asked)).codes
    return np.isin(codes[: len(asked)], codes[len(asked) :])


def _attended(rows: pd.DataFrame) -> pd.DataFrame:
    told = rows[rows["section"].ne("registrant")]
    told = told.assign(value=told["is_present"].map({True: "Yes", False: "No"}), measure=told["is_present"].astype(int))
    pairs = _pairs(told.sort_values("measure", ascending=False, kind="stable"))
    return pairs[pairs["measure"] < pairs["earlier_measure"]].assign(column_name="attended")


def _minutes(came: pd.DataFrame) -> pd.DataFrame:
    told = came[came["minutes"].notna()]
    total = told["minutes"].astype("int64").groupby([told["person"], told["place"]]).transform("sum")
    pairs = _pairs(told.assign(value=total.astype("str"), measure=total))
    return pairs[pairs["measure"] < pairs["earlier_measure"]].assign(column_name="minutes")


def _joined(came: pd.DataFrame, zone: str) -> pd.DataFrame:
    pairs = _pairs(_times(came, "joined_at", zone))
    return pairs[pairs["measure"] >= pairs["earlier_measure"] + MINUTE].assign(column_name="joined_at")


def _left(came: pd.DataFrame, zone: str) -> pd.DataFrame:
    pairs = _pairs(_times(came, "left_at", zone).iloc[::-1])
    return pairs[pairs["measure"] <= pairs["earlier_measure"] - MINUTE].assign(column_name="left_at")


def _registered(rows: pd.DataFrame, zone: str) -> pd.DataFrame:
    """Find registration times outside all that the report before has for the person."""
    told = _times(rows, "registered_at", zone)
    told["until"] = told.groupby(["person", "place"])["measure"].transform("max")
    pairs = _pairs(told)
    is_after = pairs["measure"] >= pairs["earlier_until"] + MINUTE
    is_before = pairs["until"] <= pairs["earlier_measure"] - MINUTE
    return pairs[is_after | is_before].assign(column_name="registered_at")


def _times(rows: pd.DataFrame, name: str, zone: str) -> pd.DataFrame:
    """Return the rows with a time, as `value` and `measure`, the earliest first."""
    told = rows[rows[name].notna()]
    text = told[name].dt.tz_convert(zone).dt.strftime("%Y-%m-%d %H:%M:%S")
    return told.assign(value=text, measure=micros(told[name])).sort_values("measure", kind="stable")


def _pairs(told: pd.DataFrame) -> pd.DataFrame:
    """Put the first row a report has of a person beside the first of the report before that says anything of it."""
    columns = [*_WHO_AND_WHERE, *(name for name in ("value", "key", "measure", "until") if name in told)]
    first = told[columns].drop_duplicates(["person", "place"]).sort_values(["person", "place"], ignore_index=True)
    later = np.flatnonzero(first["person"].eq(first["person"].shift()).to_numpy())
    earlier = first.iloc[later - 1].set_axis(later, axis=0).add_prefix("earlier_")
    return first.iloc[later].rename(columns={n: f"later_{n}" for n in ("file_id", "source_row", "value")}).join(earlier)
