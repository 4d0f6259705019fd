"""Who was in a webinar, as its attendee report names them: rows of reports → `clean.engagement_people`.

Here: people before rows are grouped by phone, with all their names and when they were in; and the names of hosts. Not
here: which rows are attendees (`parts/marketing/zoom/clean`), and whose a name in a chat is (`matching`).
"""

import json
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.core.person_names import NameRules
from funnel_etl.core.tables.accounting import TRACE, Outcome, summarised
from funnel_etl.core.values.json_text import TEXT, joined
from funnel_etl.core.values.text import (
    clean_email,
    is_one_of,
    lookup_key,
    lookup_keys,
    map_unique,
    squash_one,
    text_series,
)
from funnel_etl.marts.engagement.contracts import ENGAGEMENT_PEOPLE, ENGAGEMENT_STAFF
from funnel_etl.parts.marketing.zoom.clean.attendance import merge_later, phones, with_times
from funnel_etl.parts.marketing.zoom.clean.attendee_rows import attendees, broken_rows, open_rows, without_other_reports
from funnel_etl.parts.marketing.zoom.clean.grouping import (
    Ints,
    any_true,
    first_present,
    group,
    micros,
    reduced,
    union_minutes,
)
from funnel_etl.parts.marketing.zoom.clean.people import NOTHING_LENT, PHONE

SECOND = 1_000_000
"""Microseconds in a second."""
_ORIGINAL = re.compile(r"^(?P<shown>.*\S)\s*\((?P<original>[^()]+)\)\s*$", re.DOTALL)


def engagement_people(
    reports: pd.DataFrame,
    attendee_rows: pd.DataFrame,
    registrant_rows: pd.DataFrame,
    *,
    bot_names: pd.DataFrame,
    placeholders: frozenset[str],
    lent: pd.DataFrame = NOTHING_LENT,
    rules: NameRules,
) -> Outcome:
    """Return one row per person and occurrence, no-shows too. Columns as `clean.engagement_people`.

    As `zoom_attendance`, but that people of one phone with different names are told apart.
    """
    account, known = open_rows(attendee_rows, reports, "raw.zoom_attendee_rows")
    _, registrants = open_rows(registrant_rows, reports, "raw.zoom_registrant_rows")
    without_other_reports(account, known)
    broken_rows(account, known, quarantine=False)
    rows = with_times(attendees(account, known, registrants, bot_names, placeholders, lent))
    rows["registered_name"] = _registered(rows)
    rows["own_key"] = _distinct_people(rows, rules)
    groups = group(rows["occurrence_id"], rows["own_key"])
    merge_later(account, rows, groups, "same_person")
    people = rows.iloc[groups.first][["file_id", "source_row", "occurrence_id"]].reset_index(drop=True)
    first = rows.iloc[groups.first].reset_index(drop=True)
    shown = first_present(rows["user_name"], groups)
    starts, ends = (rows[name].where(rows["is_usable"]) for name in ("joined_at", "left_at"))
    attended = any_true(rows["is_present"].to_numpy(), groups)
    people = people.assign(
        person_key=first["own_key"],
        zoom_person_key=first["person_key"],
        display_name=first_present(rows["registered_name"], groups).fillna(map_unique(shown, _shown)),
        email=first_present(rows["email"], groups),
        **phones(rows, groups)[PHONE],
        attended=pd.Series(attended, dtype="boolean"),
        minutes_union=union_minutes(starts, ends, groups).astype("Int64").mask(~attended, 0),
        attendance_pct=reduced(rows["attendance_pct"], groups, "max"),
        focus_pct=reduced(rows["focus_pct"], groups, "max"),
        presence=_presence(starts, ends, groups.codes, groups.count),
        names=_names(rows, groups.codes, groups.count),
    )
    first_name = first_present(rows["first_name"], groups)
    people["first_name"] = first_name.fillna(map_unique(people["display_name"], _first_word))
    return account.outcome(people[ENGAGEMENT_PEOPLE.names])


def engagement_staff(reports: pd.DataFrame, attendee_rows: pd.DataFrame) -> Outcome:
    """Return one row per occurrence and name of its hosts and panelists: of their sections, or by their e-mails."""
    of_file = reports.set_index("file_id")["occurrence_id"]
    rows = attendee_rows[attendee_rows["row_problem"].isna()]
    is_staff = rows["section"].isin(["host", "panelist"])
    occurrence = rows["file_id"].map(of_file)
    email = clean_email(rows["email"])
    named = pd.MultiIndex.from_arrays([occurrence, email])
    also = is_one_of(email, email[is_staff])
    also[also] = named[also].isin(named[is_staff])
    chosen = rows[is_staff | also].sort_values(TRACE)
    found = [
        (file_id, line, occurrence[label], lookup_key(each))
        for label, file_id, line, name in chosen[[*TRACE, "user_name"]].itertuples(name=None)
        if isinstance(occurrence[label], str) and isinstance(name, str)
        for each in spellings(name)
    ]
    staff = pd.DataFrame([one for one in found if one[3]], columns=ENGAGEMENT_STAFF.names)
    staff = staff.drop_duplicates(["occurrence_id", "name_key"]).sort_values(["occurrence_id", "name_key"])
    return summarised(staff.reset_index(drop=True), **{"raw.zoom_attendee_rows": attendee_rows})


def by_occurrence(staff: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Return the keys of the names of hosts by occurrence; `staff` is `clean.engagement_staff`."""
    return {str(o): frozenset(own) for o, own in staff.groupby("occurrence_id")["name_key"]}


def spellings(user_name: str) -> list[str]:
    """Return the names in a cell `Shown (Original)`: the whole of it, the shown one, the original one."""
    parts = _ORIGINAL.match(user_name)
    return [user_name] if parts is None else [user_name, parts["shown"], parts["original"]]


def _shown(user_name: str) -> str:
    return squash_one(spellings(user_name)[1] if _ORIGINAL.match(user_name) else user_name)


def _registered(rows: pd.DataFrame) -> pd.Series:
    """Return first and last name as registered, in one; missing where there is none."""
    full = rows["first_name"].fillna("").str.strip() + " " + rows["last_name"].fillna("").str.strip()
    return map_unique(full, lambda name: " ".join(name.split()) or None)


def _distinct_people(rows: pd.DataFrame, rules: NameRules) -> pd.Series:
    """Return the key of each row's person: its person_key, with the name behind it for a further one of the same key.

    Only keys under which several names stand are looked into; a nameless row is the first person's.
    """
    keys = rows["person_key"].copy()
    name = rows["registered_name"].fillna(map_unique(rows["user_name"], _shown))
    key = lookup_keys(name)
    pairs = pd.DataFrame({"o": rows["occurrence_id"], "p": keys, "k": key})
    several = pairs[pairs["k"] != ""].drop_duplicates()
    several = several[several.duplicated(["o", "p"], keep=False)]
    if several.empty:
        return keys
    further: dict[tuple[str, str, str], str] = {}
    for (occurrence, person), own in several.groupby(["o", "p"], sort=False):
        tokens = [rules.tokens(text) for text in own["k"]]
        labels = rules.groups(tokens)
        first = next((label for label in labels if label is not None), None)
        for text, label, words in zip(own["k"], labels, tokens, strict=True):
            if label is not None and label != first:
                whose = min(" ".join(sorted(t)) for t, other in zip(tokens, labels, strict=True) if other == label)
                further[str(occurrence), str(person), text] = f"{person}|{whose or ' '.join(words)}"
    if further:
        theirs = pairs[pairs["p"].isin({person for _, person, _ in further})]
        found = [further.get(place) for place in theirs.itertuples(index=False, name=None)]
        keys.update(pd.Series(found, index=theirs.index, dtype="str"))
    return keys


def _first_word(name: str) -> str | None:
    return next(iter(name.split()), None)


def _presence(starts: pd.Series, ends: pd.Series, codes: Ints, count: int) -> pd.Series:
    """Return the intervals of each person in order, in seconds since 1970, as JSON; a begun second is in them."""
    usable = (starts.notna() & ends.notna()).to_numpy()
    code, begins, finishes = codes[usable], micros(starts[usable]) // SECOND, -(-micros(ends[usable]) // SECOND)
    order = np.lexsort((finishes, begins, code))
    cells = [pa.array(seconds[order]).cast(TEXT) for seconds in (begins, finishes)]
    intervals = joined("[", cells[0], ",", cells[1], "]")
    places = np.concatenate([[0], np.cumsum(np.bincount(code, minlength=count))])
    lists = pa.ListArray.from_arrays(pa.array(places, pa.int32()), intervals)
    return text_series(joined("[", pc.binary_join(lists, pa.scalar(",", TEXT)), "]"), pd.RangeIndex(count))


def _names(rows: pd.DataFrame, codes: Ints, count: int) -> pd.Series:
    """Return all names of each person as a JSON list: as shown, in each row's order, and as registered."""
    pairs = group(rows["user_name"], rows["registered_name"])
    distinct = rows[["user_name", "registered_name"]].iloc[pairs.first]
    names = [_names_in(*each) for each in distinct.itertuples(index=False, name=None)]
    own = pd.DataFrame({"person": codes, "pair": pairs.codes}).drop_duplicates()
    first = own.drop_duplicates("person").set_index("person")["pair"].reindex(range(count))
    found = (
        pd.Series([_as_json(each) for each in names], dtype="str").take(first.to_numpy(np.int64)).reset_index(drop=True)
    )
    several = own[own["person"].duplicated(keep=False)].groupby("person")["pair"]
    joined_names = {person: _as_json([name for pair in each for name in names[pair]]) for person, each in several}
    found.update(pd.Series(joined_names, dtype="str"))
    return found


def _names_in(shown: object, registered: object) -> list[str]:
    names = [squash_one(name) for name in spellings(shown)] if isinstance(shown, str) else []
    return [*names, registered] if isinstance(registered, str) else names


def _as_json(names: list[str]) -> str:
    return json.dumps([name for name in dict.fromkeys(names) if name], ensure_ascii=False)
