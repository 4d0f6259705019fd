"""The clean files: what people who work with spreadsheets get of each occurrence, under its profile's download name.

Here: which files there are, their columns and cells. Not here: where they are written (`export`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.core.values.text import lookup_keys, map_unique
from funnel_etl.parts.marketing.zoom.clean.profiles import DUAL

ATTENDED_COLUMNS = {
    "Webinar Date": "event_date",
    "Bootcamp Day": "bootcamp_day",
    "Category": "category",
    "Webinar ID": "webinar_id",
    "Attended": "attended",
    "User Name (Original Name)": "user_name",
    "First Name": "first_name",
    "Last Name": "last_name",
    "Email": "email",
    "Phone (prefixed 91)": "user_id",
    "Registration Time": "registered_at",
    "Approval Status": "approval_status",
    "Registration Source": "registration_source",
    "Attendance Type": "attendance_type",
    "Join Time": "joined_at",
    "Leave Time": "left_at",
    "Time in Session (minutes)": "minutes",
    "Is Guest": "is_guest",
    "Country/Region Name": "country",
    "UserID": "user_id",
    "Webinar name": "topic",
    "Webinar conductor": "conductor",
}
REGISTERED_COLUMNS = {
    header: ATTENDED_COLUMNS[header]
    for header in (
        "User Name (Original Name)",
        "First Name",
        "Last Name",
        "Email",
        "Registration Time",
        "Approval Status",
        "Phone (prefixed 91)",
        "Registration Source",
        "Attendance Type",
        "UserID",
        "Webinar ID",
        "Webinar name",
        "Webinar Date",
    )
}
ATTENDED, REGISTERED = "attended", "registered"
NO_PROFILE = "no_profile"
"""What a clean file is called after, with its kind, while no profile fits: people get it, and see what is undecided."""

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet program takes for the start of a formula, full-width signs too."""


@dataclass(frozen=True)
class CleanFile:
    """A clean file: its download name, whose occurrence and profile it is, its cells as text, and its folder."""

    name: str
    occurrence_id: str
    profile: str
    frame: pd.DataFrame
    folder: str


def clean_files(
    occurrences: pd.DataFrame,
    registrations: pd.DataFrame,
    attendance: pd.DataFrame,
    *,
    zoom_profiles: pd.DataFrame,
    zone: str,
) -> list[CleanFile]:
    """Return the clean files of all occurrences, by folder and name; without a profile it is named NO_PROFILE.

    Attended: one row per person in the attendee reports, no-shows too. Registered: one row per person who registered,
    where a registration report has come; a dual event also has it by its attendee report. Rows by person_key. Times
    are of `zone`; minutes are those present, overlaps once (else the report's longest); unknown is blank. A text that
    a spreadsheet program would take for a formula has a `'` before it.
    """
    rows = occurrences.assign(folder=_folders(occurrences, zone)).sort_values(["folder", "occurrence_id"])
    profiles = zoom_profiles.assign(key=lookup_keys(zoom_profiles["name"])).drop_duplicates("key").set_index("key")
    facts = rows.set_index("occurrence_id")[["topic", "event_date"]]
    people = {
        ATTENDED: _cells(attendance.assign(minutes=_minutes(attendance)), facts, ATTENDED_COLUMNS, zone),
        REGISTERED: _cells(registrations, facts, REGISTERED_COLUMNS, zone),
    }
    files = []
    for record in rows.to_dict("records"):
        occurrence = {str(name): value for name, value in record.items()}
        for kind, (key, name) in _wanted(occurrence, profiles).items():
            frame = people[kind](occurrence["occurrence_id"])
            profile = str(profiles.at[key, "name"]) if key else NO_PROFILE  # noqa: PD008 - one cell
            files.append(CleanFile(name, occurrence["occurrence_id"], profile, frame, occurrence["folder"]))
    return sorted(files, key=lambda file: (file.folder, file.name))


def as_csv(frame: pd.DataFrame) -> bytes:
    """Write cells as the CSV that spreadsheet programs open right: UTF-8 with a BOM, commas, CRLF."""
    columns = [_quoted(pa.array(frame.iloc[:, place], pa.large_string())) for place in range(frame.shape[1])]
    header = ",".join(_quoted(pa.array(map(str, frame.columns), pa.large_string())).to_pylist())
    lines = pc.binary_join_element_wise(*columns, pa.scalar(",", pa.large_string()))
    return "".join(f"{line}\r\n" for line in [header, *lines.to_pylist()]).encode("utf-8-sig")


def _quoted(cells: pa.Array) -> pa.Array:
    """Return cells as they stand in a CSV: in quotes, its own doubled, where one holds a quote, comma or line break."""
    is_plain = pc.invert(pc.match_substring_regex(cells, '[",\r\n]'))
    if pc.all(is_plain).as_py():
        return cells
    quote, nothing = (pa.scalar(text, pa.large_string()) for text in ('"', ""))
    in_quotes = pc.binary_join_element_wise(quote, pc.replace_substring(cells, '"', '""'), quote, nothing)
    return pc.if_else(is_plain, cells, in_quotes)


def _wanted(occurrence: Mapping[str, Any], profiles: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return kind → profile and file name. Where both files would have one name, the kind is added to it."""
    keys = {
        kind: lookup_keys(pd.Series([occurrence[column]], dtype="str"))[0]
        for kind, column in ((REGISTERED, "registered_profile"), (ATTENDED, "profile"))
    }
    known = {kind: key for kind, key in keys.items() if key in profiles.index}
    names = {kind: _download_name(profiles, key) for kind, key in known.items()}
    names = names or {kind: f"{NO_PROFILE}_{kind}.csv" for kind in keys}
    is_dual = profiles["type"].get(keys[REGISTERED]) == DUAL
    if REGISTERED in names and (is_dual or names[REGISTERED] == names.get(ATTENDED)):
        names = {kind: f"{name.removesuffix('.csv')}_{kind}.csv" for kind, name in names.items()}
    has = {
        REGISTERED: occurrence["has_registration_report"] or is_dual,
        ATTENDED: occurrence["has_attendee_report"],
    }
    return {kind: (known.get(kind, ""), name) for kind, name in names.items() if has[kind]}


def _download_name(profiles: pd.DataFrame, key: str) -> str:
    """Return the profile's file name; a blank one is the profile's own name. Never a path."""
    name = str(profiles.at[key, "download_name"]).strip() or str(profiles.at[key, "name"])  # noqa: PD008 - one cell
    bare = "".join("_" if sign in '/\\:*?"<>|' or ord(sign) < 32 else sign for sign in name).lstrip(".")
    return bare if bare.lower().endswith(".csv") else f"{bare}.csv"


def _folders(occurrences: pd.DataFrame, zone: str) -> pd.Series:
    """Name the folder of each occurrence: date and webinar id; of several on one day also the time of the start."""
    folder = occurrences["event_date"].dt.strftime("%Y-%m-%d") + " " + occurrences["webinar_id"]
    with_time = folder + " " + occurrences["started_at"].dt.tz_convert(zone).dt.strftime("%H%M")
    named: pd.Series = folder.mask(folder.duplicated(keep=False), with_time)
    return named


def _minutes(attendance: pd.DataFrame) -> pd.Series:
    return attendance["minutes_union"].fillna(attendance["minutes_max"])


def _cells(
    people: pd.DataFrame, facts: pd.DataFrame, columns: Mapping[str, str], zone: str
) -> Callable[[str], pd.DataFrame]:
    """Turn people into cells once for all, and return what looks up those of an occurrence."""
    people = people.sort_values(["occurrence_id", "person_key"], ignore_index=True)
    place = facts.index.get_indexer(pd.Index(people["occurrence_id"]))
    for name in facts:
        people[name] = facts[name].array.take(place, allow_fill=True)
    texts = {name: _text(people[name], zone) for name in set(columns.values())}
    cells = pd.DataFrame({header: texts[name] for header, name in columns.items()})
    ids = people["occurrence_id"].to_numpy()

    def look_up(occurrence_id: str) -> pd.DataFrame:
        first, last = (int(np.searchsorted(ids, occurrence_id, side)) for side in ("left", "right"))
        return cells.iloc[first:last].reset_index(drop=True)

    return look_up


def _text(values: pd.Series, zone: str) -> pd.Series:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert(zone).dt.strftime("%Y-%m-%d %H:%M:%S")
    elif pd.api.types.is_datetime64_dtype(values):
        values = values.dt.strftime("%Y-%m-%d")
    elif pd.api.types.is_bool_dtype(values):
        values = values.map({True: "Yes", False: "No"})
    elif isinstance(values.dtype, pd.StringDtype):
        values = map_unique(values, _harmless)
    return values.astype("str").fillna("")


def _harmless(text: str) -> str:
    """Collapse white space, and keep a spreadsheet program from taking the text for a formula."""
    cell = " ".join(text.split())
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
